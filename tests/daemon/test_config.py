from pathlib import Path

import pytest

from kubepy.daemon import config
from kubepy.daemon.config import Config, ConfigError


def load(tmp_path, text: str, **flags) -> Config:
    (tmp_path / "kubepy.yaml").write_text(text)
    return config.load(str(tmp_path / "kubepy.yaml"), flags)


def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path):
    loaded = load(tmp_path, "port: 7000\nnodes: 5\ncontrollers: ['*', -job]\n", nodes=9)
    assert (loaded.port, loaded.nodes, loaded.controllers, loaded.bind) == (
        7000,
        9,
        ("*", "-job"),
        "127.0.0.1",
    )
    assert load(tmp_path, "controllers: '*,-job'\nscheduler: off\n").controllers == ("*", "-job")
    assert load(tmp_path, "") == Config()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nodes: 3\n\nschduler: off\n", 'kubepy.yaml:3: unknown key "schduler"; did you mean "scheduler"?'),
        ("log_level: info\n", 'kubepy.yaml:1: unknown key "log_level"; did you mean "log-level"?'),
        ("zzz: 1\n", 'kubepy.yaml:1: unknown key "zzz"; `kubepy config --documented` lists them all'),
        ("port: many\n", "kubepy.yaml:1: \"port\" must be a number, not 'many'"),
        ("nodes: true\n", 'kubepy.yaml:1: "nodes" must be a number, not True'),
        ("ephemeral: maybe\n", "kubepy.yaml:1: \"ephemeral\" must be true or false, not 'maybe'"),
        ("controllers: {a: 1}\n", 'kubepy.yaml:1: "controllers" must be a list of words'),
        ("- 1\n", "kubepy.yaml: must be a mapping of settings, see config/kubepy.yaml"),
        ("a: [\n", "kubepy.yaml:2: not YAML"),
        ("port: 70000\n", "port must be 0 to 65535, not 70000"),
        ("log-format: xml\n", 'log-format must be one of console, json, not "xml"'),
        ("name: ../x\n", 'name must be letters, digits, "-", "_" and ".", not "../x"'),
        ("bind: here\n", 'bind must be an IP address, not "here"'),
        ("tls-cert-file: x\n", "tls-cert-file and tls-private-key-file go together"),
        (
            "proxy-client-key-file: x\n",
            "proxy-client-cert-file and proxy-client-key-file go together",
        ),
        ("authorization-mode: [ABAC]\n", "authorization-mode must be of Node, RBAC, Webhook"),
        ("event-ttl: soon\n", 'event-ttl must be a duration like 5m or 1h30m, not "soon"'),
        ("service-cluster-ip-range: 10.0.0.1/8\n", "service-cluster-ip-range: 10.0.0.1/8 has host bits set"),
        ("service-node-port-range: 9-1\n", 'service-node-port-range must be like 30000-32767, not "9-1"'),
    ],
)
def test_mistakes_get_one_sentence(tmp_path, text, sentence):
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text)
    assert sentence in str(raised.value) and "\n" not in str(raised.value)


def test_a_missing_file_is_named():
    with pytest.raises(ConfigError, match=r"/nowhere/kubepy.yaml: No such file"):
        config.load("/nowhere/kubepy.yaml", {})


def test_the_effective_settings_load_back(tmp_path):
    wanted = Config(port=0, controllers=("*", "-job"))
    assert load(tmp_path, config.render(wanted)) == wanted


def test_the_documented_file_holds_every_key_and_only_defaults(tmp_path):
    text = config.documented()
    uncommented = "\n".join(
        line[2:] for line in text.splitlines() if line.startswith("# ") and ": " in line and line[2].islower()
    )
    assert load(tmp_path, uncommented) == Config()
    assert all(f"# {name}:" in text for name in config.FIELDS)


@pytest.mark.parametrize(("text", "seconds"), [("5m", 300), ("1h30m", 5400), ("250ms", 0.25), ("2d", 172800)])
def test_durations(text, seconds):
    assert config.duration_s(text) == seconds


def test_the_shipped_files_are_found():
    assert (config.files_dir() / "kubepy.yaml").exists()
    assert isinstance(Config().directory, Path)
