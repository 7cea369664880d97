"""Standard output that is closed, full, or in another encoding loses signs, and never the work's code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.calling import journey, project
from tests.example import environment

START = "from cij.cli.start import main; main()"


def _run(shell: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", f'exec "$@" {shell}', "sh", sys.executable, "-c", START, *words]
    return subprocess.run(
        command, capture_output=True, text=True, env={**environment(), **variables}, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project(tmp_path / "größe ✓", journey("wait 1 day"))


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_signs_that_an_encoding_lacks_are_replaced(folder: Path, encoding: str) -> None:
    done = _run("", "check", str(folder), PYTHONIOENCODING=encoding)
    assert (done.returncode, "bug" in done.stderr) == (0, False), done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("variables", [{}, {"PYTHONUNBUFFERED": "1"}])
def test_a_full_disk_is_told_and_the_code_is_that_of_the_work(
    folder: Path, variables: dict[str, str]
) -> None:
    done = _run(">/dev/full", "check", str(folder), **variables)
    assert done.returncode == 0, done.stderr
    assert "cij: the output could not be written: No space left" in done.stderr
    (folder / "a.journey").write_text("journey {")
    assert _run(">/dev/full", "check", str(folder), **variables).returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize("shell", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing(folder: Path, shell: str) -> None:
    done = _run(shell, "check", str(folder))
    assert (done.returncode, "bug" in done.stderr) == (0, False), done.stderr
