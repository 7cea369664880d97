"""Whether one message or call of a story meets a condition, and what it has where it does not."""

from datetime import datetime
from decimal import Decimal

from cij.compiler import story as st
from cij.compiler.expression import EventField
from cij.compiler.sql import query
from cij.compiler.sql.story_checks import holds_for_row
from cij.compiler.types import Type
from cij.compiler.walk import walk
from cij.runtime.event_values import Unfit, read_value
from cij.runtime.story.sent_texts import (
    Unwritten,
    call_values,
    message_values,
    seconds_of,
    shown,
)
from cij.runtime.story.stage import Stage

_ROW = query(
    "SELECT o.locale, o.parameters, o.created_at FROM outbox_row AS o "
    "WHERE o.effect = $effect AND o.passage = $passage AND o.turn = $turn"
)
_Key = tuple[int, int, int]


def row_meets(stage: Stage, key: _Key, name: str, wanted: st.Row) -> bool:
    """Tell whether the condition holds for the message or call with this key."""
    locale, parameters, at = _row(stage, key)
    try:
        values = _values(stage, name, wanted, locale, parameters)
    except Unwritten:
        return False
    bound: dict[str, object] = {"now": stage.clock.now(), "at": at}
    for place, field in enumerate(wanted.fields.fields):
        value = values.get(field.name)
        # A template prints 20 for 20%.
        if field.type.kind == "percent" and isinstance(value, (int, Decimal)):
            value = f"{value}%"
        bound[f"value_{place}"] = _as(field.type, field.name, value, stage.zone)
    statement = holds_for_row(wanted.condition, wanted.fields, stage.zone)
    asked = {name: value for name, value in bound.items() if name in statement.parameters}
    return bool(stage.rows(statement, **asked))


def row_words(stage: Stage, key: _Key, name: str, wanted: st.Row) -> str:
    """Return the values that the condition reads, such as `subject = "Hello"`."""
    locale, parameters, at = _row(stage, key)
    try:
        values = _values(stage, name, wanted, locale, parameters)
    except Unwritten as error:
        return f"a text that cannot be written: {error}"
    values["at"] = stage.shown(at)
    read = dict.fromkeys(p.name for p in walk(wanted.condition) if isinstance(p, EventField))
    return " and ".join(f"{field} = {shown(values.get(field))}" for field in read)


def _row(stage: Stage, key: _Key) -> tuple[str | None, str, datetime]:
    named = dict(zip(("effect", "passage", "turn"), key, strict=True))
    locale, parameters, at = stage.rows(_ROW, **named)[0]
    return locale, parameters, at


def _values(
    stage: Stage, name: str, wanted: st.Row, locale: str | None, parameters: str
) -> dict[str, object]:
    if wanted.fields.name == st.CALL:
        return call_values(parameters)
    message = next(m for m in stage.program.messages if m.name == name)
    return message_values(message, locale, parameters)


def _as(type: Type, name: str, value: object, zone: str) -> object:
    """Return a value as the statement takes it; one that does not fit is missing."""
    if type.kind == "duration":
        return seconds_of(value) if isinstance(value, str) else value
    try:
        return read_value(name, type, value, zone)
    except Unfit:
        return None
