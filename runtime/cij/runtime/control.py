"""Pausing, resuming and stopping a journey from outside (S22, S23).

    live --pause--> paused --resume--> resuming --the next tick--> live
    any --stop--> stopped --resume again--> live, as if it began then

What is said is a row in `journey_control`; what follows from it is done where it matters: doors
(`entering.py`), events and timers (`tick.py`), the outbox (`delivery/outbox.py`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from cij.compiler.sql import names, outbox, query
from cij.runtime.engine import Engine
from cij.runtime.entering import turn_all_away

Action = Literal["pause", "resume", "stop"]

RESUMING = query(
    "SELECT k.journey, k.taken, k.ticked_at FROM journey_control AS k WHERE k.state = 'resuming' "
    "ORDER BY k.journey"
)
_IN_STATE = query("SELECT k.journey FROM journey_control AS k WHERE k.state = $state")
_STATES = query(
    "SELECT k.journey, k.state, k.since FROM journey_control AS k "
    "WHERE k.state IN ('paused', 'resuming', 'stopped') ORDER BY k.journey"
)
_STATE = query("SELECT k.state FROM journey_control AS k WHERE k.journey = $journey")
_FORGET = query("DELETE FROM journey_control WHERE journey = $journey")
_PAUSE = query(
    """
INSERT INTO journey_control (journey, state, since, drops_entries, taken, ticked_at)
SELECT $journey, 'paused', $now, $drops, k.value, COALESCE(
  (SELECT CAST(m.value AS TIMESTAMP) FROM meta AS m WHERE m.name = 'last_tick'), $now)
FROM counter AS k WHERE k.name = 'taken'
"""
)
_DROP = query("UPDATE journey_control SET drops_entries = $drops WHERE journey = $journey")
_RESUME = query(
    "UPDATE journey_control SET state = 'resuming', since = $now WHERE journey = $journey"
)
_UNRESUME = query(
    "UPDATE journey_control SET state = 'paused', drops_entries = $drops WHERE journey = $journey"
)
_STOP = query(
    "INSERT INTO journey_control (journey, state, since) VALUES ($journey, 'stopped', $now)"
)
_RESTART = query(
    "UPDATE journey_state SET started_at = $now, entered_until = NULL WHERE journey = $journey"
)
_INSIDE = query(
    "SELECT COUNT(*) FROM passage_row AS p WHERE p.journey = $number AND p.ended_at IS NULL"
)
_QUEUED = query(
    "SELECT COUNT(*) FROM outbox AS o WHERE o.journey = $journey AND o.outcome = 'queued'"
)
_BEYOND_RECALL = query(
    """
SELECT COUNT(*) FILTER (WHERE o.outcome = 'delivered'),
  COUNT(*) FILTER (WHERE o.outcome IN ('sending', 'uncertain'))
FROM outbox AS o JOIN passage AS p ON p.id = o.passage
WHERE o.journey = $journey AND p.ended_at IS NULL
"""
)
_END = query(
    "UPDATE passage_row SET ended_at = $now, outcome = {stopped}, cause = {stopped}, "
    "wake_at = NULL WHERE journey = $number AND ended_at IS NULL",
    stopped=names.numbered(names.STOPPED),
)
_CANCEL = query(
    "UPDATE outbox_row SET outcome = 'cancelled', reason = 'the journey was stopped', "
    "due_at = NULL, settled_at = $now WHERE {mine} AND outbox_row.outcome = 'queued'",
    mine=outbox.is_of("e.journey = $journey"),
)
_WAITING = query("SELECT COUNT(*) FROM entry_queue AS q WHERE q.journey = $journey")
_JOURNEYS = query(
    "SELECT j.journey FROM journey_state AS j UNION SELECT p.journey FROM passage AS p ORDER BY 1"
)


@dataclass(frozen=True, slots=True)
class Done:
    """What an action did. `changed` is false where it had been so before.

    `inside` people stand still, go on or left; `held` messages wait for the end of the pause;
    `waiting` people are in the queue. A stop counts the messages that it `cancelled`, and of those
    who were inside the messages `sent` and `uncertain`: nobody can call those back.
    """

    journey: str
    action: Action
    state: str
    changed: bool = True
    inside: int = 0
    held: int = 0
    waiting: int = 0
    cancelled: int = 0
    sent: int = 0
    uncertain: int = 0
    refused: str = ""


def journeys_in(engine: Engine, state: str) -> frozenset[str]:
    """Return the names of the journeys in a state that was set from outside."""
    return frozenset(name for (name,) in engine.rows(_IN_STATE, {"state": state}))


def go_on(engine: Engine, journey: str) -> None:
    """Note that a pause is over, and all that fell into it is made up."""
    engine.execute(_FORGET, {"journey": journey})


def held(engine: Engine) -> dict[str, tuple[str, datetime]]:
    """Return the journeys that are paused, resuming or stopped, with the instant since which."""
    return {name: (state, since) for name, state, since in engine.rows(_STATES)}


def known_journeys(engine: Engine) -> list[str]:
    """Return the names of all journeys that were ever deployed."""
    return [name for (name,) in engine.rows(_JOURNEYS)]


def inside(engine: Engine, journey: str) -> int:
    """Return how many people are inside."""
    return int(engine.rows(_INSIDE, {"number": names.number_of(journey)})[0][0])


def apply(engine: Engine, message: Mapping[str, Any], now: datetime) -> Done:
    """Do what a message of the inbox says: `control`, `journey` and the options of the action."""
    name, action = str(message.get("journey")), message.get("control")
    if name not in known_journeys(engine):
        return Done(name, "pause", "unknown", False, refused=f"there is no journey {name}")
    if action == "pause":
        return pause(engine, name, now, drops_entries=bool(message.get("drops_entries")))
    if action == "resume":
        return resume(engine, name, now, again=bool(message.get("again")))
    if action == "stop":
        return stop(engine, name, now)
    return Done(name, "pause", _state(engine, name), False, refused=f"there is no action {action}")


def pause(engine: Engine, journey: str, now: datetime, *, drops_entries: bool) -> Done:
    """Freeze sends and entries; timers run on, and events are kept for the end of the pause."""
    named: dict[str, object] = {"journey": journey, "now": now, "drops": drops_entries}
    with engine.transaction():
        before = _state(engine, journey)
        if before == "stopped":
            return _done(engine, journey, "pause", changed=False, refused="it was stopped")
        if before == "paused":
            engine.execute(_DROP, named)
            return _done(engine, journey, "pause", changed=False)
        if before == "resuming":
            # The pause goes on: its events have not been made up.
            engine.execute(_UNRESUME, named)
        else:
            engine.execute(_FORGET, named)
            engine.execute(_PAUSE, named)
        return _done(engine, journey, "pause")


def resume(engine: Engine, journey: str, now: datetime, *, again: bool) -> Done:
    """End a pause: the next tick makes up what fell into it. `again` starts a stopped one anew."""
    named: dict[str, object] = {"journey": journey, "now": now}
    with engine.transaction():
        before = _state(engine, journey)
        if before == "paused":
            engine.execute(_RESUME, named)
        elif before == "stopped" and again:
            engine.execute(_FORGET, named)
            engine.execute(_RESTART, named)
        elif before == "stopped":
            return _done(
                engine, journey, "resume", changed=False, refused="it was stopped for good"
            )
        return _done(engine, journey, "resume", changed=before in ("paused", "stopped"))


def stop(engine: Engine, journey: str, now: datetime) -> Done:
    """End the passages of all who are inside, and cut off the outbox. Final."""
    named: dict[str, object] = {
        "journey": journey,
        "number": names.number_of(journey),
        "now": now,
    }
    with engine.transaction():
        if _state(engine, journey) == "stopped":
            return _done(engine, journey, "stop", changed=False)
        sent, uncertain = engine.rows(_BEYOND_RECALL, named)[0]
        engine.execute(_FORGET, named)
        engine.execute(_STOP, named)
        waited = turn_all_away(engine, journey, "the journey was stopped", now)
        cancelled, ended = engine.execute(_CANCEL, named), engine.execute(_END, named)
        return Done(
            journey,
            "stop",
            "stopped",
            inside=ended,
            waiting=waited,
            cancelled=cancelled,
            sent=sent,
            uncertain=uncertain,
        )


def _state(engine: Engine, journey: str) -> str:
    found = engine.rows(_STATE, {"journey": journey})
    return str(found[0][0]) if found else "live"


def _done(
    engine: Engine, journey: str, action: Action, *, changed: bool = True, refused: str = ""
) -> Done:
    named = {"journey": journey}
    state = _state(engine, journey)
    return Done(
        journey,
        action,
        "live" if state == "resuming" else state,
        changed,
        inside=inside(engine, journey),
        held=int(engine.rows(_QUEUED, named)[0][0]),
        waiting=int(engine.rows(_WAITING, named)[0][0]),
        refused=refused,
    )


def as_json(done: Done) -> dict[str, Any]:
    """Return plain values."""
    return asdict(done)
