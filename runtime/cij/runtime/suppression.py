"""The suppression list: addresses and customers that must get nothing (S16).

Hard bounces and complaints come by themselves, as events; the rest is said by hand. Everything is
checked against it at sending and right before delivery.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cij.compiler.addresses import canonical, canonical_of_any
from cij.compiler.channels import ADDRESS
from cij.compiler.program import Program
from cij.compiler.sql.suppressing import REASONS, suppress_after
from cij.runtime.engine import Engine
from cij.runtime.insight.person import deployed
from cij.runtime.store import customers, suppression as stored

__all__ = [
    "REASONS",
    "Done",
    "Entry",
    "after_events",
    "apply",
    "as_json",
    "come_due",
    "entries",
    "next_due",
]


@dataclass(frozen=True, slots=True)
class Entry:
    """Who gets nothing: an address, a customer or both; on one channel or (None) on all."""

    channel: str | None
    address: str | None
    customer: str | None
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """What an order did: `count` entries were added or removed; `entries` are those of a list."""

    suppress: str
    count: int = 0
    entries: tuple[Entry, ...] = ()
    refused: str = ""


def entries(engine: Engine) -> tuple[Entry, ...]:
    """Return the whole list, the oldest first; entries dated in the future come last."""
    return tuple(Entry(*row) for row in engine.rows(stored.ROWS))


def apply(engine: Engine, order: Mapping[str, Any], now: datetime) -> Done:
    """Do what an order says: `suppress` is list, add or remove; doing it twice changes nothing."""
    action = str(order.get("suppress"))
    if action == "list":
        return Done(action, entries=entries(engine))
    who: dict[str, object] = {
        "address": _address(engine, order),
        "customer": order.get("customer"),
        "channel": order.get("channel"),
    }
    if action == "remove":
        return Done(action, _remove(engine, who))
    if action == "add":
        if who["customer"] is not None and not engine.rows(customers.ID, {"who": who["customer"]}):
            # Somebody is thought to get nothing any more.
            return Done(action, refused=f"there is no customer {who['customer']}")
        return Done(action, _add(engine, who, str(order.get("reason") or "by hand"), now))
    return Done(action, refused=f"there is no action {action}")


def as_json(done: Done) -> dict[str, Any]:
    """Return what was done as plain values: instants as ISO text with `Z`."""
    found = asdict(done)
    found["entries"] = [{**e, "at": e["at"].isoformat() + "Z"} for e in found["entries"]]
    return found


def _address(engine: Engine, order: Mapping[str, Any]) -> str | None:
    """Return the canonical form of the address of an order (S29)."""
    if not order.get("address"):
        return None
    text, program = str(order["address"]), deployed(engine)
    region = program.region if program is not None else None
    field = ADDRESS.get(str(order.get("channel")))
    return canonical(field, text, region) if field else canonical_of_any(text, region)


def _add(engine: Engine, who: Mapping[str, object], reason: str, now: datetime) -> int:
    with engine.transaction():
        if engine.rows(stored.KNOWN, who)[0][0]:
            return 0
        return engine.execute(stored.ADD, {**who, "reason": reason, "now": now})


def _remove(engine: Engine, who: Mapping[str, object]) -> int:
    with engine.transaction():
        # What is dated in the future must not outlive a later order.
        return sum(engine.execute(statement, who) for statement in stored.REMOVE)


# --- by themselves ----------------------------------------------------------------------------


def after_events(
    engine: Engine, program: Program, names: Collection[str], first: int, now: datetime
) -> None:
    """Put on the list whom a hard bounce or a complaint was about, of events from `first` on."""
    for event in sorted(REASONS.keys() & set(names)):
        for statement in suppress_after(event, program):
            engine.execute(statement, {"first": first, "now": now})


def come_due(engine: Engine, now: datetime) -> None:
    """Let those act whose time has come: they were dated in the future (S20)."""
    if not engine.is_empty("suppression_ahead"):
        for statement in stored.COME_DUE:
            engine.execute(statement, {"now": now})


def next_due(engine: Engine) -> datetime | None:
    """Return when the next one acts that is dated in the future."""
    if engine.is_empty("suppression_ahead"):
        return None
    found: datetime | None = engine.rows(stored.NEXT_DUE)[0][0]
    return found
