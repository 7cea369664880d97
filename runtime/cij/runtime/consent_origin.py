"""Where a consent came from, and which text the customer saw: beside the event that changed it.

{"event": "subscribed", "id": "x", …, "origin": "preference page", "shown": "News and offers"}
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cij.compiler.program import Program
from cij.compiler.sql.unify import consent_columns, consent_name
from cij.runtime.engine import Engine
from cij.runtime.errors import storable
from cij.runtime.store import consent_origin as stored

_CHANGES = ("subscribed", "unsubscribed")
_KEYS = ("origin", "shown")
_CHARS_MAX = 2000


def note_origins(
    engine: Engine, rows: Sequence[dict[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """Store the origins of changes of consent, and return the rows without them.

    Must be called in a transaction.
    """
    said = {row["id"]: row for row in rows if _is_told(row)}
    if not said:
        return list(rows)
    named = {"ids": json.dumps(sorted(said))}
    new = said.keys() - {id for (id,) in engine.rows(stored.KNOWN, named)}
    told = [said[id] for id in sorted(new)]
    columns: dict[str, list[object]] = {
        "event": [row["id"] for row in told],
        "origin": [_text(row.get("origin")) for row in told],
        "shown": [_text(row.get("shown")) for row in told],
        "at": [now] * len(told),
    }
    engine.append("consent_origin", columns)
    return [
        {k: v for k, v in row.items() if k not in _KEYS} if _is_told(row) else row for row in rows
    ]


def _is_told(row: dict[str, Any]) -> bool:
    is_change = row.get("event") in _CHANGES and isinstance(row.get("id"), str)
    return is_change and any(isinstance(row.get(key), str) for key in _KEYS)


def _text(value: object) -> str | None:
    return storable(value[:_CHARS_MAX]) if isinstance(value, str) else None


# --- questions --------------------------------------------------------------------------------


def ledger(engine: Engine, customer: str) -> list[dict[str, Any]]:
    """Return all changes of consent of a customer by events, the oldest first.

    A missing topic or channel means all of them.
    """
    names = ("at", "noted_at", "is_granted", "topic", "channel", "message", "origin", "shown")
    found = engine.rows(stored.LEDGER, {"customer": customer})
    return [dict(zip(names, row, strict=True)) for row in found]


def standing(engine: Engine, program: Program, customer: str) -> list[tuple[str, str, bool]]:
    """Return (topic, channel, whether granted) of each topic that needs consent, for a customer."""
    columns = [*engine.columns_of("customer")]
    [row] = engine.rows(stored.CUSTOMER, {"customer": customer})
    values = dict(zip(columns, row, strict=True))
    needed = {topic.name for topic in program.topics if topic.consent != "none"}
    return [
        (topic, channel, bool(values.get(consent_name(topic, channel), default)))
        for topic, channel, default in consent_columns(program)
        if topic in needed
    ]


def language_of(engine: Engine, program: Program, customer: str) -> str | None:
    """Return the language of a customer; None where it is not known."""
    if not any(field.name == "language" for field in program.profile.fields):
        return None
    rows = engine.rows(stored.LANGUAGE, {"customer": customer})
    return str(rows[0][0]) if rows and rows[0][0] else None


def latest(engine: Engine) -> dict[tuple[str, str, str], datetime]:
    """Return when each consent changed last, by customer, topic and channel."""
    return {(who, topic, channel): at for who, topic, channel, at in engine.rows(stored.LATEST)}


def customers(engine: Engine) -> list[str]:
    """Return the ids of all customers."""
    return [id for (id,) in engine.rows(stored.CUSTOMERS)]
