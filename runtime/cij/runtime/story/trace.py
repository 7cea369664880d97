"""The trace: what happened to one customer, in the order of time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cij.compiler.program import ActState, EndState, State, WaitState
from cij.compiler.sql import query
from cij.compiler.sql.interning import texts_of
from cij.compiler.sql.plan.governing import held_by, stands_at
from cij.runtime.story.stage import Stage

# `written` is the order in which rows were written, which decides between equal instants.
_HISTORY = query(
    "SELECT h.at, h.passage, h.state, h.why FROM history AS h "
    "JOIN passage_row AS p ON p.id = h.passage WHERE p.customer = $customer "
    "ORDER BY h.at ASC, h.written ASC, h.n ASC"
)
_PASSAGES = query(
    "SELECT p.id, p.entered_at, p.wake_at, p.ended_at, p.entry_key, {state}, p.is_held_out "
    "FROM passage_row AS p WHERE p.customer = $customer ORDER BY p.id ASC",
    **texts_of("p", "state"),
)
_MESSAGES = query(
    "SELECT o.created_at, o.passage, o.step, o.channel, o.message, o.outcome, o.reason "
    "FROM outbox AS o WHERE o.customer = $customer"
)
_GOALS = query(
    "SELECT v.at, v.passage, v.goal FROM conversion AS v WHERE v.customer = $customer "
    "ORDER BY v.at ASC, v.goal ASC"
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line. At one instant events have the smallest rank, before what they lead to."""

    at: datetime
    rank: int
    text: str


def trace(stage: Stage, customer: str) -> tuple[str, ...]:
    """Return the lines for one customer. Times are local to the project's zone."""
    passages = stage.rows(_PASSAGES, customer=customer)
    many = len(passages) > 1
    entries = [
        _Entry(h.at, 0, f"event {h.words}") for h in stage.happened if h.customer == customer
    ]
    for id, at, _, _, key, _, held_out in passages:
        text = "enters" + (f" by {key}" if key else "") + (" (held out)" if held_out else "")
        entries.append(_Entry(at, 1, _numbered(text, id, many)))
    entries += _steps(stage, customer, many)
    entries += [
        _Entry(at, 2, _numbered(f"reaches goal {goal}", passage, many))
        for at, passage, goal in stage.rows(_GOALS, customer=customer)
    ]
    entries.sort(key=lambda e: (e.at, e.rank))
    lines = [f"{stage.shown(e.at)}  {e.text}" for e in entries]
    lines += [
        _numbered(f"now {_waits(stage, state)} until {stage.shown(wake_at)}", id, many)
        for id, _, wake_at, ended_at, _, state, _ in passages
        if ended_at is None and wake_at is not None
    ]
    return tuple(lines) if passages else (*lines, f"never enters {stage.journey.name}")


def _numbered(text: str, passage: int, many: bool) -> str:
    return f"#{passage} {text}" if many else text


def _steps(stage: Stage, customer: str, many: bool) -> Iterator[_Entry]:
    messages = {
        (at, passage, step): (channel, message, outcome, reason)
        for at, passage, step, channel, message, outcome, reason in stage.rows(
            _MESSAGES, customer=customer
        )
    }
    for at, passage, id, why in stage.rows(_HISTORY, customer=customer):
        state = stands_at(stage.journey, id)
        message = messages.get((at, passage, state.step))
        words = f"{state.step}: held" if held_by(id) else _words(state, message)
        text = words + (f"  ({why})" if why else "")
        yield _Entry(at, 3, _numbered(text, passage, many))


def _waits(stage: Stage, state: str) -> str:
    step = stands_at(stage.journey, state).step
    return f"is held at {step}" if held_by(state) else f"waits at {step}"


def _words(state: State, message: tuple[str, str, str, str | None] | None) -> str:
    match state:
        case ActState(step=step) if message is not None:
            channel, name, outcome, reason = message
            verb = "do" if channel == "action" else channel
            text = f"{step}: {verb} {name} {outcome}"
            return f"{text}, {reason}" if reason else text
        case WaitState(step=step):
            return f"{step}: waits"
        case EndState(outcome=outcome):
            return f"leaves as {outcome}"
    return f"{state.step}: decides"
