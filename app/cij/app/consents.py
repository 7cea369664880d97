"""Consents: what a customer agreed to, how it came about, and lists of all customers."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.app.deployed_program import compiled_or_deployed
from cij.app.local_service import ask
from cij.app.project_files import find_root
from cij.app.request_error import RequestError
from cij.app.store_view import StoreView, store_view
from cij.compiler.naming import did_you_mean
from cij.compiler.program import Program
from cij.runtime.clock import LiveClock
from cij.runtime.consent_origin import customers, latest, ledger, standing
from cij.runtime.inbox import hand_in
from cij.runtime.intake import faults

COLUMNS = ("customer", "topic", "channel", "granted", "at")
# What a list may have besides: where a consent came from, and the text that was shown.
_MORE = ("origin", "shown")
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")
_SHOWN_MAX = 5
Say = Callable[[str], None]


def consents_of(path: Path, person: str, on_wait: Say) -> dict[str, Any]:
    """Return the consents of a customer and their ledger, as JSON has it. Raises: RequestError."""
    return _answered(path, {"person": person}, on_wait)


def all_consents(path: Path, on_wait: Say) -> dict[str, Any]:
    """Return the consents of all customers as rows of `COLUMNS`, as JSON has it."""
    return _answered(path, {}, on_wait)


def _answered(path: Path, asked: Mapping[str, Any], on_wait: Say) -> dict[str, Any]:
    found = ask(find_root(path), "consent", asked)
    if found is None:
        with store_view(path, on_wait) as view:
            found = consent_answer(view, asked, LiveClock().now())
    answered: dict[str, Any] = found
    return answered


def consent_answer(view: StoreView, asked: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Answer `consent`: of one `person`, or of all customers. Raises: RequestError."""
    if asked.get("person") is None:
        return {"version": 1, "consents": [*_rows(view, customers(view.engine))]}
    customer = view.customer(str(asked["person"]))
    changes = [
        {name: _plain(value) for name, value in change.items()}
        for change in ledger(view.engine, customer)
    ]
    rows = [*_rows(view, [customer])]
    return {"version": 1, "customer": customer, "consents": rows, "ledger": changes}


def _rows(view: StoreView, ids: list[str]) -> Iterator[dict[str, Any]]:
    changed = latest(view.engine)
    for id in ids:
        for topic, channel, is_granted in standing(view.engine, view.program, id):
            at = _plain(changed.get((id, topic, channel)))
            yield dict(zip(COLUMNS, (id, topic, channel, is_granted, at), strict=True))


def _plain(value: object) -> object:
    return value.isoformat() + "Z" if isinstance(value, datetime) else value


def as_csv(rows: list[dict[str, Any]]) -> str:
    """Return consents as a file that `import_consents` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        granted = "yes" if row["granted"] else "no"
        who = (row["customer"], row["topic"], row["channel"])
        writer.writerow((*who, granted, row["at"] or ""))
    return text.getvalue()


def import_consents(path: Path, file: Path) -> int:
    """Hand in the consents of a CSV file, all or none, and return their number.

    A file that was handed in before changes nothing. Raises: RequestError.
    """
    project, program = compiled_or_deployed(path)
    rows = {number: _event(row, number, file, program) for number, row in _lines(file)}
    bare = {n: {k: v for k, v in row.items() if k not in _MORE} for n, row in rows.items()}
    found = faults(bare, program, LiveClock().now())
    if found:
        wrong = [f"{file}:{number}: {reason}" for number, reason in found.items()]
        more = [f"and {len(wrong) - _SHOWN_MAX} more"] if len(wrong) > _SHOWN_MAX else []
        raise RequestError("\n".join(["nothing was imported:", *wrong[:_SHOWN_MAX], *more]))
    if rows:
        hand_in(project.root, [*rows.values()])
        ask(project.root, "look", {})
    return len(rows)


def _lines(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        reader = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig")), strict=True)
        for row in reader:
            yield reader.line_num, {k: (v or "").strip() for k, v in row.items() if k is not None}
    except UnicodeDecodeError as error:
        raise RequestError(f"{file} is not UTF-8 text") from error
    except (csv.Error, AttributeError) as error:
        raise RequestError(f"{file} is not CSV: {error}") from error


def _event(row: dict[str, str], number: int, file: Path, program: Program) -> dict[str, Any]:
    """Return the event of a line. Raises: RequestError for what cannot be a consent."""
    place = f"{file}:{number}"
    for name in ("customer", "topic", "channel", "granted"):
        if not row.get(name):
            raise RequestError(
                f"{place}: `{name}` is missing; the columns are {', '.join(COLUMNS)}"
            )
    granted = row["granted"].lower()
    if granted not in (*_YES, *_NO):
        raise RequestError(f"{place}: `granted` is yes or no and not `{row['granted']}`")
    topic = next((t for t in program.topics if t.name == row["topic"]), None)
    if topic is None or row["channel"] not in topic.channels:
        names = [t.name for t in program.topics]
        hint = did_you_mean(row["topic"], names) if topic is None else None
        what = f"topic `{row['topic']}`" if topic is None else f"channel `{row['channel']}` in it"
        raise RequestError(f"{place}: there is no {what}" + (f"; {hint}" if hint else ""))
    said = json.dumps(row, sort_keys=True)
    event: dict[str, Any] = {
        "event": "subscribed" if granted in _YES else "unsubscribed",
        "customer": row["customer"],
        "channel": row["channel"],
        "fields": {"topic": row["topic"]},
        "id": f"import {hashlib.sha256(said.encode()).hexdigest()[:32]}",
        "origin": row.get("origin") or f"import of {file.name}",
    }
    event |= {"shown": row["shown"]} if row.get("shown") else {}
    return event | ({"at": row["at"]} if row.get("at") else {})
