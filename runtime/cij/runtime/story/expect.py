"""Expectations: each function returns None where it is met, else what is true instead."""

from dataclasses import dataclass, replace
from datetime import datetime

from cij.compiler import story as st
from cij.compiler.program import SegmentEntry
from cij.compiler.sql import Statement, query
from cij.compiler.sql.moments import add_rule
from cij.compiler.sql.plan import segment_query
from cij.compiler.sql.plan.governing import stands_at
from cij.compiler.sql.story_checks import (
    calendar_steps,
    holds_for_customer,
    read_of_customer,
    values_read,
)
from cij.runtime.story.expected_rows import row_meets, row_words
from cij.runtime.story.stage import Stage
from cij.runtime.story.verdict import Finding

_MESSAGES = query(
    "SELECT o.effect, o.passage, o.turn, o.created_at, o.outcome, o.reason FROM outbox_row AS o "
    "WHERE o.customer = $customer ORDER BY o.created_at ASC, o.passage ASC, o.turn ASC"
)
_PASSAGES = query(
    "SELECT p.id, p.entry_key, p.state, p.wake_at, p.ended_at, p.outcome FROM passage_row AS p "
    "WHERE p.customer = $customer ORDER BY p.id ASC"
)
# Names and effects are joined here in Python. A join in the engine takes two or three times as long
# as the whole query, and a story asks this often.
_NAMES = query("SELECT n.id, n.text FROM name AS n")
_EFFECTS = query("SELECT e.id, e.channel, e.message FROM effect AS e")
_SENT = ("delivered", "queued")


@dataclass(frozen=True, slots=True)
class Message:
    """A message or a call of a customer. `key` is its effect, passage and turn."""

    key: tuple[int, int, int]
    channel: str
    message: str
    at: datetime
    outcome: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Passage:
    id: int
    entry_key: str | None
    state: str
    wake_at: datetime | None
    ended_at: datetime | None
    outcome: str | None


# --- messages ---------------------------------------------------------------------------------


def sent(stage: Stage, wanted: st.ExpectSent) -> Finding | None:
    """Match the first such message that no earlier line of the story has matched.

    Each line matches a message of its own, so two equal lines expect two messages.
    """
    mine = _of_key(stage, wanted.customer, wanted.key)
    alike = [
        m
        for m in _messages(stage, wanted.customer)
        if m.message == wanted.message and (mine is None or m.key[1] in mine)
    ]
    went = [m for m in alike if m.outcome in _SENT]
    free = [m for m in went if m.key not in stage.expected]
    then = [m for m in free if wanted.at in (None, stage.shown(m.at))]
    name = f"{wanted.channel} {wanted.message}"
    if then:
        return _met(stage, then, wanted.where, f"{name} was sent with")
    if free:
        return Finding(f"{name} was sent at {_times(stage, free)}")
    if went:
        times = "once" if len(went) == 1 else f"{len(went)} times"
        return Finding(f"{name} was sent {times}, and an earlier line has already expected that")
    if alike:
        return _suppressed(stage, alike[0])
    if _passages(stage, wanted.customer):
        return Finding(f"{name} was not sent")
    return Finding(f"{name} was not sent: never entered", _why_not_inside(stage, wanted.customer))


def _met(stage: Stage, free: list[Message], where: st.Row | None, said: str) -> Finding | None:
    """Match the first message or call that meets the condition; else say what the first one has."""
    for message in free:
        if where is None or row_meets(stage, message.key, message.message, where):
            stage.expected.add(message.key)
            return None
    assert where is not None, "without a condition, each one fits"
    return Finding(f"{said} {row_words(stage, free[0].key, free[0].message, where)}")


def no_other(stage: Stage, wanted: st.ExpectNoOther) -> Finding | None:
    """Check that every message that the customer has got was expected by an earlier line."""
    went = [m for m in _messages(stage, wanted.customer) if m.outcome in _SENT]
    others = [m for m in went if m.key not in stage.expected]
    return _listed(stage, others) if others else None


def _listed(stage: Stage, messages: list[Message]) -> Finding:
    parts = (f"{m.channel} {m.message} at {stage.shown(m.at)}" for m in messages)
    return Finding(f"sent: {', '.join(parts)}")


def _suppressed(stage: Stage, message: Message) -> Finding:
    word, verb = ("do", "called") if message.channel == "action" else (message.channel, "sent")
    found = f"{word} {message.message} was due at {stage.shown(message.at)}, and not {verb}"
    hint = f"{message.outcome}: {message.reason}"
    if message.outcome == "withheld":
        hint += "; a customer with another name may get another arm"
    return Finding(found, hint)


def nothing(stage: Stage, wanted: st.ExpectNothing) -> Finding | None:
    """Check that the customer has got no message since the story began."""
    went = [m for m in _messages(stage, wanted.customer) if m.outcome in _SENT]
    if not went:
        return None
    is_known = all(m.key in stage.expected for m in went)
    hint = "nothing means: since the test began; later, write `expect no other message to`"
    return replace(_listed(stage, went), hint=hint if is_known else None)


def _messages(stage: Stage, customer: str, *, is_action: bool = False) -> list[Message]:
    effects = {id: (channel, message) for id, channel, message in stage.rows(_EFFECTS)}
    found = [
        Message((effect, passage, turn), *effects[effect], *rest)
        for effect, passage, turn, *rest in stage.rows(_MESSAGES, customer=customer)
    ]
    return [m for m in found if (m.channel == "action") == is_action]


def _times(stage: Stage, messages: list[Message]) -> str:
    return " and ".join(stage.shown(m.at) for m in messages)


def done(stage: Stage, wanted: st.ExpectDone) -> Finding | None:
    """Match the first call of the action that no earlier line of the story has matched."""
    calls = _messages(stage, wanted.customer, is_action=True)
    alike = [m for m in calls if m.message == wanted.action]
    made = [m for m in alike if m.outcome in _SENT]
    free = [m for m in made if m.key not in stage.expected]
    name = f"do {wanted.action}"
    if free:
        return _met(stage, free, wanted.where, f"{name} was called with")
    if made:
        times = "once" if len(made) == 1 else f"{len(made)} times"
        return Finding(f"{name} was called {times}, and an earlier line has already expected that")
    if alike:
        return _suppressed(stage, alike[0])
    if _passages(stage, wanted.customer):
        others = ", ".join(dict.fromkeys(m.message for m in calls))
        return Finding(f"{name} was not called", f"called: {others}" if others else None)
    return Finding(f"{name} was not called: never entered", _why_not_inside(stage, wanted.customer))


# --- passages ---------------------------------------------------------------------------------


def ended(stage: Stage, wanted: st.ExpectEnded) -> Finding | None:
    """Check that a passage of the customer has ended, with the outcome if one is given."""
    passages = _passages(stage, wanted.customer, wanted.key)
    outcomes = [p.outcome for p in passages if p.ended_at is not None]
    if wanted.outcome in outcomes or (wanted.outcome is None and outcomes):
        return None
    if outcomes:
        return Finding("ended as " + ", ".join(f"{o}" for o in outcomes))
    return _where(stage, wanted.customer, passages)


def waiting(stage: Stage, wanted: st.ExpectWaiting) -> Finding | None:
    """Check that a passage of the customer waits at the step, until the time if one is given."""
    passages = _passages(stage, wanted.customer, wanted.key)
    here = [p for p in passages if p.ended_at is None and _step(stage, p) == wanted.step]
    untils = [stage.shown(p.wake_at) for p in here if p.wake_at is not None]
    if here and (wanted.until is None or wanted.until in untils):
        return None
    if here:
        return Finding(f"waiting at {wanted.step} until {' and '.join(untils)}")
    return _where(stage, wanted.customer, passages)


def _passages(stage: Stage, customer: str, wanted: str | None = None) -> list[_Passage]:
    """Return the passages of a customer, or only those of one key."""
    names: dict[int, str] = dict(stage.rows(_NAMES))
    return [
        _Passage(id, key, names[state], wake_at, ended_at, names.get(outcome))
        for id, key, state, wake_at, ended_at, outcome in stage.rows(_PASSAGES, customer=customer)
        if wanted in (None, key)
    ]


def _of_key(stage: Stage, customer: str, key: str | None) -> set[int] | None:
    """Return the passages of one key; None where no key is asked for."""
    return None if key is None else {p.id for p in _passages(stage, customer, key)}


def _step(stage: Stage, passage: _Passage) -> str:
    return stands_at(stage.journey, passage.state).step


def _where(stage: Stage, customer: str, passages: list[_Passage]) -> Finding:
    """Return where the customer's last passage is."""
    if not passages:
        return Finding("never entered", _why_not_inside(stage, customer))
    last = passages[-1]
    if last.ended_at is not None:
        return Finding(f"ended as {last.outcome} at {stage.shown(last.ended_at)}")
    until = f" until {stage.shown(last.wake_at)}" if last.wake_at else ""
    return Finding(f"waiting at {_step(stage, last)}{until}")


# --- segments ---------------------------------------------------------------------------------


def member(stage: Stage, wanted: st.ExpectMember) -> Finding | None:
    """Check whether the condition of the segment holds for the customer now."""
    if _is_member(stage, wanted.customer, wanted.segment) != wanted.is_negated:
        return None
    state = "in" if wanted.is_negated else "not in"
    return Finding(f"{state} segment {wanted.segment}")


def has(stage: Stage, wanted: st.ExpectHas) -> Finding | None:
    """Check that a condition about the customer holds now."""
    for step in calendar_steps(wanted.condition):
        stage.world.engine.execute(add_rule(step))
    stage.world.calendar.forget()
    stage.world.calendar.show(stage.clock.now())
    asked = {"customer": wanted.customer, "now": stage.clock.now()}
    statement = holds_for_customer(wanted.condition, stage.program)
    if stage.rows(statement, **_bound(statement, asked)):
        return None
    read = []
    for name, node in values_read(wanted.condition):
        one = read_of_customer(node, stage.program)
        found = stage.rows(one, **_bound(one, asked))
        read.append(f"{name} is {found[0][0] if found and found[0][0] is not None else 'unknown'}")
    return Finding(", ".join(read) or "it does not hold")


def _bound(statement: Statement, values: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if name in statement.parameters}


def _is_member(stage: Stage, customer: str, name: str) -> bool:
    segment = next(s for s in stage.program.segments if s.name == name)
    now = {"now": stage.clock.now()}
    # The stored calendar instants are those of the last tick, which may have been earlier.
    stage.world.calendar.show(stage.clock.now())
    members = stage.world.engine.rows(segment_query(segment, stage.program), now)
    return (customer,) in members


def _why_not_inside(stage: Stage, customer: str) -> str | None:
    """Return why a customer never entered, if the reason is certain: they are in no entry
    segment."""
    names = [e.segment for e in stage.journey.entries if isinstance(e, SegmentEntry)]
    by_event = len(names) < len(stage.journey.entries)
    if by_event or any(_is_member(stage, customer, name) for name in names):
        return None
    return f"not in segment {' or '.join(names)}"
