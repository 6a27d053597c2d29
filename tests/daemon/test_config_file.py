import pytest

from kubepy.daemon import config_file
from kubepy.daemon.config import SETTINGS, Config
from kubepy.daemon.settings import ConfigError


def load(tmp_path, text: str, **flags) -> Config:
    (tmp_path / "kubepy.yaml").write_text(text)
    return config_file.load(str(tmp_path / "kubepy.yaml"), flags)


def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path):
    loaded = load(tmp_path, "port: 7000\nnodes: 5\ncontrollers: ['*', -job]\n", nodes=9)
    assert (loaded.port, loaded.nodes, loaded.controllers, loaded.bind) == (
        7000,
        9,
        ("*", "-job"),
        "127.0.0.1",
    )
    assert load(tmp_path, "controllers: '*,-job'\nscheduler: off\n").controllers == ("*", "-job")
    assert load(tmp_path, "") == load(tmp_path, "port:\nnode-eviction-rate: \n") == Config()
    assert load(tmp_path, "node-eviction-rate: 1\nname: 7\n") == Config(node_eviction_rate=1.0, name="7")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nodes: 3\n\nschduler: off\n", 'kubepy.yaml:3: unknown key "schduler"; did you mean "scheduler"?'),
        ("log_level: info\n", 'kubepy.yaml:1: unknown key "log_level"; did you mean "log-level"?'),
        ("zzz: 1\n", 'kubepy.yaml:1: unknown key "zzz"; `kubepy config --documented` lists them all'),
        ("port: many\n", "kubepy.yaml:1: \"port\" must be a whole number, not 'many'"),
        ("nodes: true\n", 'kubepy.yaml:1: "nodes" must be a whole number, not True'),
        ("ephemeral: maybe\n", "kubepy.yaml:1: \"ephemeral\" must be true or false, not 'maybe'"),
        ("node-eviction-rate: fast\n", "kubepy.yaml:1: \"node-eviction-rate\" must be a number, not 'fast'"),
        ("name: [x]\n", "kubepy.yaml:1: \"name\" must be text, not ['x']"),
        ("controllers: {a: 1}\n", 'kubepy.yaml:1: "controllers" must be a list of words'),
        ("- 1\n", "kubepy.yaml: must be a mapping of settings, see config/kubepy.yaml"),
        ("a: [\n", "kubepy.yaml:2: not YAML"),
    ],
)
def test_mistakes_get_one_sentence(tmp_path, text, sentence):
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text)
    assert sentence in str(raised.value) and "\n" not in str(raised.value)


def test_a_missing_file_is_named():
    with pytest.raises(ConfigError, match=r"/nowhere/kubepy.yaml: No such file"):
        config_file.load("/nowhere/kubepy.yaml", {})


def test_the_effective_settings_load_back(tmp_path):
    wanted = Config(port=0, controllers=("*", "-job"))
    assert load(tmp_path, config_file.render(wanted)) == wanted


def test_the_documented_file_holds_every_key_and_only_defaults(tmp_path):
    text = config_file.documented()
    uncommented = "\n".join(
        line[2:] for line in text.splitlines() if line.startswith("# ") and ": " in line and line[2].islower()
    )
    assert load(tmp_path, uncommented) == Config()
    assert all(f"# {name}:" in text for name in SETTINGS)
