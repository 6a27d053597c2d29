"""Commands that find no cluster say how to start one."""

import pytest

from kubepy import cli


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["status"], "is not running; start it with `kubepy up"),
        (["stop"], "is not running; start it with `kubepy up"),
        (["why", "pod/x"], "is not running; start it with `kubepy up"),
        (["kubeconfig"], "there is no cluster"),
        (["rotate-key"], "there is no cluster"),
        (["logs"], "there is no log in"),
        (["why", "deployment/x"], 'only pods have a why: pod/NAME, not "deployment/x"'),
    ],
)
def test_no_cluster(arguments, sentence, tmp_path, capsys):
    directory = tmp_path / "nowhere"
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments, "--data-dir", str(directory)])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("kubepy: ") and sentence in said and said.count("\n") == 1
    assert "`kubepy up" not in said or f"`kubepy up --data-dir {directory}`" in said


def test_the_clusters_name_leads_to_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SystemExit):
        cli.main(["status", "--name", "nix"])
    assert capsys.readouterr().err == (
        'kubepy: cluster "nix" is not running; start it with `kubepy up --name nix`\n'
    )
