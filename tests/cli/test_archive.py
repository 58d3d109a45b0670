"""An archive that is not there is not a sound one."""

from __future__ import annotations


def test_nothing_to_verify_is_an_error(command, tmp_path):
    done = command("archive", "verify", str(tmp_path / "a slip"))
    assert done.returncode == 2
    assert "nothing to verify in" in done.stderr


def test_an_archive_without_files_is_listed_as_empty(command, tmp_path):
    done = command("archive", "list", str(tmp_path), "--format", "json")
    assert (done.returncode, done.stdout) == (0, "[]\n")
