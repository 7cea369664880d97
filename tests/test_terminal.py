"""What a person sees on a terminal: progress in one line, and nothing that data can command."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.calling import MAIL, MAIL_TOML, journey, project
from tests.example import CIJ


def _on_a_terminal(*words: str) -> bytes:
    """Run cij with standard error on a terminal, and return what the terminal gets."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*CIJ, *words], stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        found = b""
        while part := _part(ours):
            found += part
    os.close(ours)
    assert process.returncode == 0, found
    return found


def _part(ours: int) -> bytes:
    try:
        return os.read(ours, 65_536)
    except OSError:
        # Linux says so when nobody has the other end any more.
        return b""


@pytest.mark.slow
@pytest.mark.parametrize("command", [["simulate", "--days", "3"], ["test", "--explore", "3"]])
def test_progress_is_written_over_one_line(tmp_path: Path, command: list[str]) -> None:
    folder = project(tmp_path / "shop", MAIL + journey("send email hello", "wait 1 day"), MAIL_TOML)
    found = _on_a_terminal(command[0], str(folder), *command[1:])
    assert found.count(b"\r") > 2 and b"\\u000d" not in found
    # At the end the line is empty.
    assert found.endswith(b"\r" + b" " * 40 + b"\r")
