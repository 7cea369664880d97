"""The inbox: a folder of JSON lines, by which events reach a running project.

`cij event` writes a file there; whoever runs the project takes it in and removes it. A file is
taken in one transaction, and an event that was taken before is known by its id: a crash in between
loses nothing and doubles nothing.
"""

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.runtime.refresh import take_in
from cij.runtime.world import World

FOLDER = Path(".cij") / "inbox"
_BATCH_FILES = 1000


def hand_in(root: Path, events: Sequence[Mapping[str, Any]]) -> Path:
    """Write events as one file, complete or not at all, and return its path."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}.jsonl"
    draft = path.with_suffix(".part")
    with draft.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(event, ensure_ascii=False) + "\n" for event in events)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return path


def take_all(world: World, root: Path, now: datetime) -> int:
    """Take in every file of the inbox; return the number of events."""
    folder = root / FOLDER
    files = sorted(folder.glob("*.jsonl"))[:_BATCH_FILES] if folder.is_dir() else []
    count = 0
    for file in files:
        rows = [_event(line, file.name, n) for n, line in enumerate(_lines(file), 1)]
        with world.engine.transaction():
            take_in(world.engine, world.program, rows, now)
        file.unlink(missing_ok=True)
        count += len(rows)
    return count


def _lines(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8", errors="replace")
    return [line for line in text.splitlines() if line.strip()]


def _event(line: str, file: str, number: int) -> dict[str, Any]:
    """Return the event of a line. What is not one becomes an event that intake will refuse."""
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        found = {"event": None, "raw": line}
    return {"file": file, "line": number, **found}
