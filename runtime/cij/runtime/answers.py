"""What came back from actions: it becomes the event that the action was done, with its results."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cij.compiler.program import Event, Program, done_by
from cij.compiler.types import Kind, Type
from cij.runtime.delivery import Done
from cij.runtime.engine import Engine
from cij.runtime.event_values import Unfit, read_value
from cij.runtime.intake import RawEvent, take_in


def take_answers(engine: Engine, program: Program, done: Sequence[Done], now: datetime) -> None:
    """Take in an event for each. A result that does not fit is missing, and goes to quarantine."""
    events = {event.name: event for event in program.events}
    rows = [_raw(one, events[done_by(one.row.message)]) for one in done if _is_known(one, events)]
    refused = take_in(engine, program, rows, now).refused
    if refused:
        again = [_fitting(r.row, events[r.row["event"]], program) for r in refused]
        take_in(engine, program, again, now)


def _is_known(one: Done, events: Mapping[str, Event]) -> bool:
    # The newest program may have another action in its place, or none.
    return done_by(one.row.message) in events


def _raw(one: Done, event: Event) -> RawEvent:
    kinds: dict[str, Kind] = {f.name: f.type.kind for f in event.fields}
    return {
        "event": event.name,
        "customer": one.row.customer,
        "id": one.row.key,
        "message_key": one.row.key,
        "channel": one.row.channel,
        "fields": {n: _read(v, kinds[n]) for n, v in one.returned.items() if n in kinds},
    }


def _read(value: object, kind: Kind) -> object:
    # Numbers are the names of things for many: `{"task_id": 42}`.
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if kind == "text" and is_number else value


def _fitting(row: RawEvent, event: Event, program: Program) -> RawEvent:
    types = {f.name: f.type for f in event.fields}
    fields: Mapping[str, Any] = row["fields"]
    fits = {n: v for n, v in fields.items() if _fits(v, types[n], program.timezone)}
    return {**row, "fields": fits}


def _fits(value: object, type: Type, zone: str) -> bool:
    try:
        read_value("", type, value, zone)
    except Unfit:
        return False
    return True
