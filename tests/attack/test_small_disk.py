"""A run on a disk that is really full: a small one is mounted, where the system allows it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cij.cli.exits import Exit
from tests.example import add_people, by_recipient, copy_example, inside, messages, run_once

_MEGABYTES = 40
_PAGE = 4096
# What is left for a run: from nothing to enough for some of its files.
ROOMS = (0, 1, 8, 40, 120, 400)
_CODES = (Exit.OK, Exit.CONFIG, Exit.DATA, Exit.STORE, Exit.DELIVERY, Exit.ASIDE)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ("-t", "tmpfs", "-o", f"size={_MEGABYTES}m", "tmpfs", str(folder))
    try:
        done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no `mount`")
    if done.returncode:
        pytest.skip(f"no disk can be mounted: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(disk: Path, room: int) -> Path:
    """Take all space of the disk but so many pages."""
    ballast, found = disk / "ballast", os.statvfs(disk)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, (found.f_bavail - room) * _PAGE)
    assert os.statvfs(disk).f_bavail == room
    return ballast


@pytest.mark.slow
def test_a_run_on_a_full_disk_is_made_up_for_when_there_is_room(small_disk: Path) -> None:
    project = copy_example(small_disk)
    run_once(project)
    codes = []
    for round, room in enumerate(ROOMS):
        add_people(project, round)
        ballast = _fill(small_disk, room)
        code, _, err = inside("run", str(project), "--once")
        ballast.unlink()
        assert code in _CODES and "Traceback" not in err, (room, err)
        codes.append(code)
        # One more run may have to tell what broke off.
        inside("run", str(project), "--once")
        by_recipient(messages(project).values())
    assert codes[0] != Exit.OK, "without any room nothing can be done"
    run_once(project)
    assert len(messages(project)) == 11 + 8 * len(ROOMS)
    by_recipient(messages(project).values())
