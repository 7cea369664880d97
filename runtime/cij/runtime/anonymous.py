"""Events of an anonymous visitor, until they say who they are.

    {"event": "visit", "anonymous": "a-1", …}                        held
    {"event": "purchase", "customer": "shop:17", "anonymous": "a-1"}   now a-1 is known
    {"anonymous": "a-1", "customer": "shop:17"}                       the same without an event

A held event becomes one of the customer, with its own time and id (S25). After 30 days it is dropped.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cij.runtime.engine import Engine
from cij.runtime.store import anonymous as stored

KEPT = timedelta(days=30)
_KEY = "anonymous"
_PLACE = ("file", "line")


def with_customers(
    engine: Engine, rows: Sequence[dict[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """Return the events that have a customer, also those that were held until now; hold the others.

    Rows without `anonymous` are returned as they are. Must be called in a transaction.
    """
    named = [row for row in rows if _is_named(row)]
    if not named:
        return list(rows)
    said = {row[_KEY]: who for row in named if isinstance(who := row.get("customer"), str) and who}
    released = _note(engine, said, now) if said else []
    unknown = {row[_KEY] for row in named} - said.keys()
    known = {**_known(engine, unknown), **said}
    found = [_plain(row, known) for row in rows if "event" in row or not _is_named(row)]
    _hold(engine, [row for row in found if _is_named(row)], now)
    return released + [row for row in found if not _is_named(row)]


def _is_named(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get(_KEY), str) and bool(row[_KEY])


def _plain(row: dict[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    """Return a row with its customer in place of the anonymous id, if the customer is known."""
    if not _is_named(row) or row[_KEY] not in known:
        return row
    plain = {name: value for name, value in row.items() if name != _KEY}
    return {**plain, "customer": known[row[_KEY]]}


def _known(engine: Engine, ids: Iterable[str]) -> dict[str, str]:
    if engine.is_empty("anonymous_id"):
        return {}
    return {id: who for id, who in engine.rows(stored.KNOWN, {"ids": json.dumps(sorted(ids))})}


def _note(engine: Engine, said: Mapping[str, str], now: datetime) -> list[dict[str, Any]]:
    """Note who is who, and return the events that were held for them."""
    before = _known(engine, said)
    new = {id: who for id, who in said.items() if before.get(id) != who}
    if not new:
        return []
    named: dict[str, object] = {"ids": json.dumps(sorted(new))}
    engine.execute(stored.FORGET_KNOWN, named)
    rows = [{"anonymous": id, "who": who} for id, who in new.items()]
    engine.execute(stored.NOTE, {"rows": json.dumps(rows), "now": now})
    if engine.is_empty("anonymous_event"):
        return []
    held = engine.rows(stored.HELD, named)
    engine.execute(stored.RELEASE, named)
    return [{**json.loads(content), "customer": new[id]} for id, content in held]


def _hold(engine: Engine, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    if not rows:
        return
    engine.execute(stored.DROP_OLD, {"since": now - KEPT})
    kept = [{k: v for k, v in row.items() if k not in (_KEY, *_PLACE)} for row in rows]
    # Without this, an event would happen when somebody says who they are.
    texts = [json.dumps({"at": f"{now.isoformat()}Z", **row}, default=str) for row in kept]
    columns: dict[str, list[object]] = {
        "anonymous": [row[_KEY] for row in rows],
        "at": [now] * len(rows),
        "content": [*texts],
    }
    engine.append("anonymous_event", columns)
