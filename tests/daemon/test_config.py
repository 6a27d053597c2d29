from pathlib import Path

from kubepy.daemon.config import Config, files_dir


def test_the_shipped_files_are_found():
    assert (files_dir() / "kubepy.yaml").exists()


def test_a_cluster_lives_where_its_name_or_directory_says():
    assert Config(name="x").directory == Path.home() / ".kubepy" / "x"
    assert Config(name="x", data_dir="~/y").directory == Path.home() / "y"


def test_commands_name_the_cluster_they_are_about():
    assert Config().command("up") == "kubepy up"
    assert Config(name="x").command("stop") == "kubepy stop --name x"
    assert Config(name="x", data_dir="/y").command("stop") == "kubepy stop --data-dir /y"
