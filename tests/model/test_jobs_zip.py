"""The archive of the jobs is the same bytes wherever it is made, and runs as it is."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bulkhead.model import project
from bulkhead.model.jobs_zip import jobs_zip, packed


def test_the_same_files_are_the_same_bytes_on_every_python() -> None:
    files = {"jobs/b.py": b"b" * 5000, "jobs/a.py": b"a\n"}
    made = packed(files)
    assert made == packed(dict(reversed(files.items())))
    assert made.sha256 == "358076cd1a868d40d33c67c9b2aba9e945d2c2b0b61a6a8063bfbdac92e13d2b"


def test_only_the_jobs_are_in_it_as_they_stand() -> None:
    with zipfile.ZipFile(io.BytesIO(jobs_zip().content)) as archive:
        infos = archive.infolist()
        assert {"jobs/__init__.py", "jobs/run.py", "jobs/d1/dump.py"} <= {each.filename for each in infos}
        for each in infos:
            assert each.filename.startswith("jobs/")
            assert each.filename.endswith(".py")
            assert each.compress_type == zipfile.ZIP_STORED
            assert archive.read(each) == (project.ROOT / each.filename).read_bytes()


def test_neither_a_file_s_time_nor_its_mode_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jobs").mkdir()
    file = tmp_path / "jobs" / "one.py"
    file.write_bytes(b"x")
    monkeypatch.setattr(project, "ROOT", tmp_path)
    before = jobs_zip()
    file.unlink()
    file.write_bytes(b"x")
    file.chmod(0o600)
    assert jobs_zip() == before
    file.write_bytes(b"y")
    assert jobs_zip().sha256 != before.sha256


def test_a_job_is_imported_out_of_the_archive_without_the_checkout(tmp_path: Path) -> None:
    path = jobs_zip().written(tmp_path)
    program = f"import sys; sys.path.insert(0, {str(path)!r}); import jobs.run; print(jobs.run.__file__)"
    found = subprocess.check_output([sys.executable, "-I", "-c", program], cwd=tmp_path, text=True)
    assert found.strip() == f"{path}/jobs/run.py"
