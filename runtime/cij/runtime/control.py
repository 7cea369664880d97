"""Pausing, resuming and stopping a journey from outside (S22, S23).

    live --pause--> paused --resume--> resuming --the next tick--> live
    any --stop--> stopped --resume again--> live, as if it began then
    any --a statement fails--> failed --deploy or resume--> retrying --the next tick--> live

An order is a row in `journey_control`; what follows from it is done where it matters: entries
(`entering.py`), events and timers (`tick.py`), the outbox (`delivery/outbox.py`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from cij.compiler.sql.interning import number_of
from cij.runtime.admission import reject_all
from cij.runtime.engine import Engine
from cij.runtime.store import aside, control as stored, journeys, outbox, passages, queue

# From these a journey can be resumed.
_HELD = ("paused", "stopped", "failed")
Action = Literal["pause", "resume", "stop"]


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
    return frozenset(name for (name,) in engine.rows(stored.IN_STATE, {"state": state}))


def standing_still(engine: Engine) -> frozenset[str]:
    """Return the names of the journeys in which no timer fires: paused ones, and those that failed."""
    return frozenset(name for (name,) in engine.rows(stored.STANDING_STILL))


def to_make_up(engine: Engine) -> list[tuple[str, int, datetime]]:
    """Return the journeys that failed in a pause and may run again, each with the last event and tick
    before that."""
    noted = aside.missed(engine)
    failed = journeys_in(engine, "failed") if noted else frozenset()
    return [each for each in noted if each[0] not in failed]


def go_on(engine: Engine, journey: str) -> None:
    """Note that a pause is over, and all that fell into it is made up."""
    engine.execute(stored.FORGET, {"journey": journey})


def held(engine: Engine) -> dict[str, tuple[str, datetime]]:
    """Return the journeys that are paused, resuming or stopped, with the instant since which."""
    return {name: (state, since) for name, state, since in engine.rows(stored.HELD)}


def known_journeys(engine: Engine) -> list[str]:
    """Return the names of all journeys that were ever deployed."""
    return [name for (name,) in engine.rows(journeys.KNOWN)]


def inside(engine: Engine, journey: str) -> int:
    """Return how many people are inside."""
    return int(engine.rows(passages.INSIDE, {"number": number_of(journey)})[0][0])


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


def fail(engine: Engine, journey: str, now: datetime) -> str:
    """Have nothing run of a journey until it is tried again; return the state that it had (S28)."""
    before = _state(engine, journey)
    if before == "live":
        engine.execute(stored.FAIL, {"journey": journey, "now": now})
    else:
        if before in ("paused", "resuming"):
            aside.note_missed(engine, journey, now)
        # The events of a pause, or of the failure before, have not been made up: from where on is kept.
        engine.execute(stored.SET_STATE, {"journey": journey, "state": "failed"})
    return "live" if before == "retrying" else before


def retry(engine: Engine, journey: str) -> None:
    """Let a journey that failed go on with the next tick, from where it stood still."""
    found = engine.rows(aside.WAS, {"name": journey})
    was = str(found[0][0]) if found else "live"
    state = "retrying" if was == "live" else was
    engine.execute(stored.SET_STATE, {"journey": journey, "state": state})
    aside.forget(engine, "journey", journey)


def retry_all(engine: Engine) -> None:
    """Try again everything that was put aside: the cause may be mended."""
    for journey in journeys_in(engine, "failed"):
        retry(engine, journey)
    for segment in aside.names(engine, "segment"):
        aside.forget(engine, "segment", segment)


def pause(engine: Engine, journey: str, now: datetime, *, drops_entries: bool) -> Done:
    """Freeze sends and entries; timers run on, and events are kept for the end of the pause."""
    named: dict[str, object] = {"journey": journey, "now": now, "drops": drops_entries}
    with engine.transaction():
        before = _state(engine, journey)
        if before == "stopped":
            return _done(engine, journey, "pause", changed=False, refused="it was stopped")
        if before == "failed":
            why = "it was put aside because it failed, and stands still already: see `cij status`"
            return _done(engine, journey, "pause", changed=False, refused=why)
        if before == "paused":
            engine.execute(stored.DROP_ENTRIES, named)
            return _done(engine, journey, "pause", changed=False)
        if before in ("resuming", "retrying"):
            # The pause goes on: its events have not been made up.
            engine.execute(stored.PAUSE_AGAIN, named)
        else:
            engine.execute(stored.FORGET, named)
            engine.execute(stored.PAUSE, named)
        return _done(engine, journey, "pause")


def resume(engine: Engine, journey: str, now: datetime, *, again: bool) -> Done:
    """End a pause: the next tick makes up what fell into it. `again` starts a stopped one anew."""
    named: dict[str, object] = {"journey": journey, "now": now}
    with engine.transaction():
        before = _state(engine, journey)
        if before == "paused":
            engine.execute(stored.RESUME, named)
        elif before == "failed":
            retry(engine, journey)
        elif before == "stopped" and again:
            engine.execute(stored.FORGET, named)
            engine.execute(journeys.RESTART, named)
        elif before == "stopped":
            return _done(
                engine, journey, "resume", changed=False, refused="it was stopped for good"
            )
        return _done(engine, journey, "resume", changed=before in _HELD)


def stop(engine: Engine, journey: str, now: datetime) -> Done:
    """End the passages of all who are inside, and cut off the outbox. Final."""
    named: dict[str, object] = {
        "journey": journey,
        "number": number_of(journey),
        "now": now,
    }
    with engine.transaction():
        if _state(engine, journey) == "stopped":
            return _done(engine, journey, "stop", changed=False)
        aside.forget(engine, "journey", journey)
        aside.forget_missed(engine, journey)
        sent, uncertain = engine.rows(outbox.BEYOND_RECALL, named)[0]
        engine.execute(stored.FORGET, named)
        engine.execute(stored.STOP, named)
        waited = reject_all(engine, journey, "the journey was stopped", now)
        cancelled, ended = (
            engine.execute(outbox.CANCEL, named),
            engine.execute(passages.END_STOPPED, named),
        )
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
    found = engine.rows(stored.STATE, {"journey": journey})
    return str(found[0][0]) if found else "live"


def _done(
    engine: Engine, journey: str, action: Action, *, changed: bool = True, refused: str = ""
) -> Done:
    named = {"journey": journey}
    state = _state(engine, journey)
    return Done(
        journey,
        action,
        "live" if state in ("resuming", "retrying") else state,
        changed,
        inside=inside(engine, journey),
        held=int(engine.rows(outbox.QUEUED, named)[0][0]),
        waiting=int(engine.rows(queue.WAITING, named)[0][0]),
        refused=refused,
    )


def as_json(done: Done) -> dict[str, Any]:
    """Return plain values."""
    return asdict(done)
