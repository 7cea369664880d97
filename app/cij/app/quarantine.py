"""Shows, retries and drops events that were put aside because they do not fit."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.app.local_service import ask
from cij.app.project_files import find_root
from cij.app.request_error import RequestError
from cij.app.store_view import store_view
from cij.runtime.clock import LiveClock
from cij.runtime.deploy import look
from cij.runtime.outside_json import shown_json
from cij.runtime.retry_events import (
    Aside,
    all_ids,
    count,
    drop,
    one_aside,
    put_aside,
    retry,
)
from cij.runtime.world import World

# More lines than the first help nobody; `--limit` asks for others.
SHOWN_MAX, LIMIT_MAX = 50, 100_000
_CHANGES = ("retry", "drop")


def quarantine(
    path: Path, action: str, on_wait: Callable[[str], None], **asked: object
) -> dict[str, Any]:
    """List, show, retry or drop events that were put aside; the result is as JSON has it.

    Raises: RequestError for an unknown id.
    """
    parameters = {"action": action, **asked}
    found = ask(find_root(path), "quarantine", parameters)
    if found is None:
        with store_view(path, on_wait, is_change=action in _CHANGES) as view:
            world = look(view.engine, view.program)
            found = quarantine_answer(world, parameters, LiveClock().now())
    answered: dict[str, Any] = found
    return answered


def quarantine_answer(world: World, asked: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Answer `quarantine`. Raises: RequestError."""
    action = asked.get("action")
    if action == "list":
        rows = put_aside(world, _limit(asked.get("limit")))
        return {"version": 1, "count": count(world), "events": [_plain(row) for row in rows]}
    ids = all_ids(world) if asked.get("all") else _known(world, asked.get("ids") or [])
    if action == "show":
        shown = filter(None, (one_aside(world, id) for id in ids))
        return {"version": 1, "events": [_plain(row) for row in shown]}
    if action == "drop":
        return {"version": 1, "dropped": drop(world, ids)}
    if action == "retry":
        done = retry(world, ids, now)
        reasons = sorted({refused.reason for refused in done.refused})
        said = {"accepted": done.accepted, "known": done.known, "refused": len(done.refused)}
        return {"version": 1, **said, "reasons": reasons}
    raise RequestError(f"there is no action `{action}`")


def _limit(given: object) -> int:
    is_count = isinstance(given, int) and not isinstance(given, bool) and 0 < given <= LIMIT_MAX
    return given if is_count and isinstance(given, int) else SHOWN_MAX


def _known(world: World, ids: object) -> list[str]:
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        raise RequestError("`ids` is not a list of ids")
    for id in ids:
        if one_aside(world, id) is None:
            raise RequestError(f"no event that is put aside has the id `{id}`")
    return ids


def _plain(row: Aside) -> dict[str, Any]:
    try:
        event = shown_json(row.content)
    except ValueError:
        event = row.content
    at = row.at.isoformat() + "Z"
    return {"id": row.id, "reason": row.reason, "count": row.count, "at": at, "event": event}
