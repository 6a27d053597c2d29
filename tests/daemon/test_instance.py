import pytest

from kubepy.daemon import instance
from kubepy.daemon.instance import Instance


def test_a_directory_is_exclusive_while_the_lock_is_held(tmp_path):
    held = instance.lock(tmp_path / "c")
    assert instance.is_running(tmp_path / "c")
    with pytest.raises(instance.InUse, match=r"is in use by another kubepy \(pid \d+\)"):
        instance.lock(tmp_path / "c")
    held.close()
    assert not instance.is_running(tmp_path / "c")
    instance.lock(tmp_path / "c").close()


def test_a_directory_is_closed_to_others(tmp_path):
    (directory := tmp_path / "c").mkdir(mode=0o755)
    instance.lock(directory).close()
    assert directory.stat().st_mode & 0o777 == 0o700
    directory.chmod(0o755)
    instance.lock(directory).close()
    assert directory.stat().st_mode & 0o777 == 0o700


def test_what_is_written_once_it_is_prepared_does_not_keep_it_from_being_locked(tmp_path):
    (directory := tmp_path / "c").mkdir(mode=0o755)
    instance.prepare(directory)
    (directory / "stderr.log").touch()
    instance.lock(directory).close()


def test_a_directory_that_others_use_is_left_alone(tmp_path):
    (directory := tmp_path / "c").mkdir(mode=0o755)
    (directory / "letter.txt").write_text("Dear kubepy")
    with pytest.raises(PermissionError, match="is open to others and holds other things than a cluster"):
        instance.lock(directory)
    assert directory.stat().st_mode & 0o777 == 0o755 and not (directory / "lock").exists()


def test_what_was_written_is_read_and_anything_else_is_none(tmp_path):
    assert instance.read(tmp_path) is None and not instance.is_running(tmp_path)
    here = Instance(1, "https://127.0.0.1:6443", 3, False, "2026-01-01T00:00:00Z", "0.1.0")
    instance.write(tmp_path, here)
    assert instance.read(tmp_path) == here
    (tmp_path / "instance.json").write_text('{"pid": 1}')
    assert instance.read(tmp_path) is None
