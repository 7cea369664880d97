"""The inbox: a folder of JSON lines, by which events and orders reach a running project.

`cij event` writes a file there; a run of the project takes it in and removes it. A file is
taken in one transaction, and an event that was taken before is known by its id: a crash in between
loses nothing and doubles nothing. A line with the key `control` or `suppress` is an order
(`control.py`, `suppression.py`), in a file of its own. It is known by the name of its file, so that
it is not carried out again after later ones; what it did is written into the folder of answers.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.compiler.written_values import plain_number
from cij.runtime import control, suppression
from cij.runtime.anonymous import with_customers
from cij.runtime.consent_origin import note_origins
from cij.runtime.engine import Engine
from cij.runtime.errors import WorldError, reason_of
from cij.runtime.intake import Refused, put_event_aside
from cij.runtime.outside_json import read_json
from cij.runtime.private_files import make_inside, private_folder, write_private
from cij.runtime.refresh import take_in
from cij.runtime.segments import data_changed
from cij.runtime.state_folder import state_folder
from cij.runtime.store import aside, meta
from cij.runtime.world import World

_BATCH_FILES = 1000


def folder_of() -> Path:
    """Return the folder of what waits to be taken in, as a path from the project folder."""
    return state_folder() / "inbox"


def _refused() -> Path:
    return folder_of() / "refused"


def answers_folder() -> Path:
    """Return the folder of answers to orders, as a path from the project folder."""
    return state_folder() / "answers"


def hand_in(root: Path, events: Sequence[Mapping[str, Any]]) -> Path:
    """Write events as one file, complete or not at all, and return its path."""
    folder = root / folder_of()
    make_inside(root, folder)
    path = folder / f"{uuid.uuid4().hex}.jsonl"
    _write(path, "".join(_line(event) for event in events))
    return path


def _line(event: Mapping[str, Any]) -> str:
    # A decimal is handed on as its text, which keeps all digits.
    return json.dumps(event, ensure_ascii=False, default=plain_number) + "\n"


def _write(path: Path, text: str) -> None:
    # What a shell hands over may be no text; what is none becomes question marks.
    write_private(path, text.encode("utf-8", errors="replace"))


def answer(root: Path, handed_in: Path) -> dict[str, Any] | None:
    """Take the answer to an order that was handed in as a file of its own, if there is one yet."""
    path = root / answers_folder() / f"{handed_in.stem}.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return None
    path.unlink(missing_ok=True)
    return found if isinstance(found, dict) else None


def take_all(world: World, root: Path, now: datetime) -> list[Refused]:
    """Take in every file of the inbox; return the events that were put aside.

    A file or a line that fails stops no other (S28).
    """
    found = [refused for file in _files(root) for refused in _contained(world, root, file, now)]
    for name in aside.names(world.engine, "inbox file"):
        if not (root / _refused() / name).exists():
            # Somebody has moved it back or thrown it away.
            aside.forget(world.engine, "inbox file", name)
    return found


def _contained(world: World, root: Path, file: Path, now: datetime) -> Sequence[Refused]:
    try:
        return _take(world, root, file, now)
    except WorldError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is of this file
        return _take_apart(world, root, file, reason_of(error), now)


def _take_apart(
    world: World, root: Path, file: Path, reason: str, now: datetime
) -> Sequence[Refused]:
    """Take the lines of a file one by one; put aside those that fail, or else the whole file."""
    try:
        rows = _rows(file)
    except Exception:  # noqa: BLE001 - the file cannot even be read
        rows = []
    if not rows or any(map(_is_order, rows)):
        _move_aside(world.engine, root, file, reason, now)
        return ()
    refused = [r for row in rows for r in _take_alone(world, row, now)]
    file.unlink(missing_ok=True)
    return refused


def _take_alone(world: World, row: dict[str, Any], now: datetime) -> Sequence[Refused]:
    try:
        return _taken_in(world, [row], now)
    except WorldError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is of this line
        return [put_event_aside(world.engine, row, reason_of(error), now)]


def _move_aside(engine: Engine, root: Path, file: Path, reason: str, now: datetime) -> None:
    """Keep a file that cannot be taken in where nobody meets it again; moved back, it is tried again."""
    private_folder(root, _refused())
    file.replace(root / _refused() / file.name)
    with engine.transaction():
        aside.put(engine, "inbox file", file.name, f"{reason} (now in {_refused()})", now)


def is_empty(root: Path) -> bool:
    """Tell whether nothing waits to be taken in."""
    return not any((root / folder_of()).glob("*.jsonl"))


def take_orders(engine: Engine, root: Path, now: datetime) -> None:
    """Carry out the orders that wait in the inbox; events stay there."""
    for file in _files(root):
        rows = _rows(file)
        if rows and all(map(_is_order, rows)):
            _carry_out(engine, root, file, rows, now)


def _files(root: Path) -> list[Path]:
    folder = root / folder_of()
    return sorted(folder.glob("*.jsonl"), key=_age)[:_BATCH_FILES] if folder.is_dir() else []


def _age(file: Path) -> tuple[int, str]:
    # Orders are carried out as they were given. A file may vanish, or be a link to nowhere.
    try:
        return file.stat().st_mtime_ns, file.name
    except OSError:
        return 0, file.name


def _take(world: World, root: Path, file: Path, now: datetime) -> tuple[Refused, ...]:
    rows = _rows(file)
    if rows and all(map(_is_order, rows)):
        _carry_out(world.engine, root, file, rows, now)
        return ()
    refused = _taken_in(world, rows, now)
    file.unlink(missing_ok=True)
    return refused


def _taken_in(world: World, rows: Sequence[dict[str, Any]], now: datetime) -> tuple[Refused, ...]:
    with world.engine.transaction():
        events = note_origins(world.engine, with_customers(world.engine, rows, now), now)
        taken = take_in(world.engine, world.program, events, now)
        if taken.created:
            data_changed(world)
    return taken.refused


def _rows(file: Path) -> list[dict[str, Any]]:
    return [_event(line, file.name, n) for n, line in enumerate(_lines(file), 1)]


def _is_order(row: Mapping[str, Any]) -> bool:
    return ("control" in row or "suppress" in row) and "event" not in row


def _carry_out(
    engine: Engine, root: Path, file: Path, orders: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    if not meta.is_done(engine, file.name):
        with engine.transaction():
            done = [_done(engine, order, now) for order in orders]
            meta.note_done(engine, file.name)
        for one in done:
            # The order is carried out; where the disk is full, only nobody hears of it.
            with suppress(OSError):
                text = json.dumps(one, ensure_ascii=False)
                _write(private_folder(root, answers_folder()) / f"{file.stem}.json", text)
    file.unlink(missing_ok=True)


def _done(engine: Engine, order: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Carry out an order, and return what it did as plain values."""
    if "control" in order:
        return control.as_json(control.apply(engine, order, now))
    return suppression.as_json(suppression.apply(engine, order, now))


def _lines(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8", errors="replace")
    # Not `splitlines`: a text may hold U+2028 and other ends of lines that JSON does not know.
    return [line for line in text.split("\n") if line.strip()]


def _event(line: str, file: str, number: int) -> dict[str, Any]:
    """Return the event of a line. What is not one becomes an event that intake will refuse."""
    try:
        # A number is read as it is written, with all its digits.
        found = read_json(line, is_exact=True)
        if isinstance(found, dict) and _is_order(found):
            # An order is carried out as it was given, or not at all: nothing of it is mended.
            found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        found = {"event": None, "raw": line}
    return {"file": file, "line": number, **found}
