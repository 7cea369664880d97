"""Policies over journeys: a journey as it runs under the rules of the newest program (S16 to S18).

    (journey of any version, rules of the newest program) -> journey

Rules are not part of a journey's version, so they apply at once to all passages (S21). A send that
may have to wait gets a state in front of it. This state tests the clock and the caps and leads to a
wait that the compiler adds. When the wait ends, the passage goes through goals and exits to the
send again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel

from cij.compiler import expression as ex, program as pg
from cij.compiler.channels import ADDRESS
from cij.compiler.policy import TRANSACTIONAL

QUIET, CAP = "quiet hours", "a cap"
_HOLD, _CAPPED, _READY = ":hold", ":capped", ":ready"
# The waits that the compiler adds, by the tail of their id, with the reason that reports show.
RESTS = {_HOLD: QUIET, _CAPPED: CAP}


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of all policies together.

    Their conditions refer to no declaration, so they can be evaluated for a journey of another
    version, whose program may lack the segment or measure.
    """

    quiet: tuple[ex.Hours, ...] = ()
    caps: tuple[ex.Cap, ...] = ()
    never: tuple[pg.Never, ...] = ()

    def of(self, message: pg.Message) -> "Rules":
        """Return the rules for one message.

        A transactional message has no caps and no quiet hours.
        """
        never = tuple(n for n in self.never if n.channel in (None, message.channel))
        if message.topic == TRANSACTIONAL:
            return Rules(never=never)
        caps = tuple(c for c in self.caps if c.channel in (None, message.channel))
        return Rules(self.quiet, caps, never)


def rules_of(program: pg.Program) -> Rules:
    """Return the rules of a program in a form that applies to journeys of any version."""
    policies = program.policies
    return Rules(
        quiet=tuple(dict.fromkeys(h for p in policies for h in p.quiet)),
        caps=tuple(c for p in policies for c in p.caps),
        never=tuple(
            n.model_copy(update={"condition": _spelt_out(n.condition, program)})
            for p in policies
            for n in p.never
        ),
    )


_P = TypeVar("_P", bound=BaseModel)


def _spelt_out(node: _P, program: pg.Program) -> _P:
    """Return an expression with segments and measures replaced by their conditions and values."""

    def inside(value: object) -> object:
        match value:
            case ex.Member(segment=name):
                return inside(next(s for s in program.segments if s.name == name).condition)
            case ex.MeasureValue(measure=name):
                return inside(next(m for m in program.measures if m.name == name).value)
            case ex.Consent(topic=name, channel=None):
                # An older version may lack the topic, so its channels are listed here.
                topic = next(t for t in program.topics if t.name == name)
                each = tuple(ex.Consent(topic=name, channel=c) for c in topic.channels)
                return ex.Or(items=each)
            case BaseModel():
                return _spelt_out(value, program)
            case tuple():
                return tuple(inside(v) for v in value)
        return value

    if isinstance(node, (ex.Member, ex.MeasureValue, ex.Consent)):
        found = inside(node)
        assert isinstance(found, BaseModel), "a condition is an expression"
        return found  # type: ignore[return-value]
    changed = {name: inside(getattr(node, name)) for name in type(node).model_fields}
    return node.model_copy(update=changed)


# --- where a passage is held ------------------------------------------------------------------


def held_by(state: str) -> str | None:
    """Return the reason why a passage that waits at `state` is held; None where it is not held."""
    return next((why for tail, why in RESTS.items() if state.endswith(tail)), None)


def heading_for(state: str) -> str | None:
    """Return the send in front of which a passage in this state is; None for other states."""
    tails = (_READY, *RESTS)
    return next((state.removesuffix(tail) for tail in tails if state.endswith(tail)), None)


def stands_at(journey: pg.Journey, state: str) -> pg.State:
    """Return the written state of a journey for a passage at `state`: the send, where it is
    held."""
    return journey.state(_stands_at(state))


def knows(journey: pg.Journey, state: str) -> bool:
    """Tell whether a version of a journey has the written state of a passage at `state`."""
    return any(s.id == _stands_at(state) for s in journey.states)


def _stands_at(state: str) -> str:
    held = heading_for(state)
    return held if held is not None and held_by(state) else state


def family(send: str) -> tuple[str, ...]:
    """Return the ids of the states that the compiler may add in front of a send."""
    return (send + _READY, *(send + tail for tail in RESTS))


def governed(
    journey: pg.Journey, program: pg.Program, rules: Rules, resting: Iterable[str] = ()
) -> pg.Journey:
    """Return the journey as it runs under `rules`.

    `program` is that of the journey. `resting` are the states of its open passages. A passage may
    be held by a rule that no longer exists, and its wait has to stay until the passage has left it.
    """
    maker = _Maker(journey, program, rules)
    held = {heading_for(state) for state in resting if held_by(state)}
    made = {s.id: states for s in journey.states if (states := maker.states(s, s.id in held))}
    if not made:
        return journey
    # States that led to a send now lead to the first state in front of it.
    moved = {id: id + _READY for id, found in made.items() if id + _READY in found}

    def there(id: str) -> str:
        return moved.get(id, id)

    ruled: list[pg.State] = []
    for state in journey.states:
        ruled += [*made.get(state.id, {}).values(), _led(state, there)]
    start = there(journey.start)
    return journey.model_copy(update={"start": start, "states": tuple(ruled)})


def _led(state: pg.State, there: Callable[[str], str]) -> pg.State:
    """Return a copy of a state whose targets are mapped by `there`."""
    match state:
        case pg.ActState():
            return state.model_copy(update={"target": there(state.target)})
        case pg.DecideState():
            branches = tuple(_to(b, there) for b in state.branches)
            update = {"branches": branches, "otherwise": there(state.otherwise)}
            return state.model_copy(update=update)
        case pg.WaitState():
            awaits = tuple(_to(a, there) for a in state.awaits)
            conditions = tuple(_to(c, there) for c in state.conditions)
            update = {"awaits": awaits, "conditions": conditions, "timeout": there(state.timeout)}
            return state.model_copy(update=update)
    return state


_T = TypeVar("_T", pg.Branch, pg.Await, pg.Condition)


def _to(part: _T, there: Callable[[str], str]) -> _T:
    return part.model_copy(update={"target": there(part.target)})


# --- the states in front of a send ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Maker:
    journey: pg.Journey
    program: pg.Program
    rules: Rules

    def states(self, send: pg.State, is_held: bool) -> Mapping[str, pg.State]:
        """Return the states in front of a send, by id; none where no rule can hold its message."""
        if not (isinstance(send, pg.ActState) and isinstance(send.effect, pg.SendEffect)):
            return {}
        name = send.effect.message
        message = next(m for m in self.program.messages if m.name == name)
        rules = self.rules.of(message)
        waits = tuple(c for c in rules.caps if c.waits)
        # Where a message can never be sent, waiting would only delay the refusal.
        can = self._can(message, rules, send.id)
        if not can or not (rules.quiet or waits):
            rules, waits = replace(rules, quiet=()), ()
        if not (rules.quiet or waits or is_held):
            return {}
        ways = self._ways(send, message, rules, waits, can)
        first = send.id + _READY if ways else send.id
        gate = self._gate(send, first)
        found: list[pg.State] = [gate] if gate else []
        until = ex.HeldUntil(hours=rules.quiet, expired=_expired(message, send.id))
        if rules.quiet or is_held:
            found.append(self._rest(_HOLD, send, until, gate, first))
        if waits or is_held:
            until = ex.HeldUntil(caps=waits, expired=_expired(message, send.id))
            found.append(self._rest(_CAPPED, send, until, gate, first))
        if ways:
            found.append(_hidden(first, send, ways, send.id))
        return {state.id: state for state in found}

    def _ways(
        self,
        send: pg.ActState,
        message: pg.Message,
        rules: Rules,
        waits: tuple[ex.Cap, ...],
        can: list[ex.Expression],
    ) -> list[pg.Branch]:
        found: list[tuple[ex.Expression, str, str]] = []
        if rules.quiet:
            found.append((ex.InQuiet(hours=rules.quiet), _HOLD, QUIET))
        if waits:
            # A cap that skips decides first, so a message over both caps is not held.
            others = tuple(c for c in rules.caps if not c.waits)
            expired = _expired(message, send.id)
            found.append((ex.OverCap(caps=waits, unless=others, expired=expired), _CAPPED, CAP))
        return [
            pg.Branch(guard=ex.And(items=(*can, test)), target=send.id + tail, why=why)
            for test, tail, why in found
        ]

    def _can(self, message: pg.Message, rules: Rules, send: str) -> list[ex.Expression]:
        """Return the conditions for a send besides hours and caps; none where it can never be sent.

        Only a message that would be sent is held. One that fails another check is refused at once
        (S16).
        """
        address = ADDRESS[message.channel]
        field = next((f for f in self.program.profile.fields if f.name == address), None)
        if field is None:
            return []
        found: list[ex.Expression] = []
        expired = _expired(message, send)
        if expired is not None:
            found.append(ex.Not(item=expired))
        topic = next(t for t in self.program.topics if t.name == message.topic)
        if topic.consent != "none":
            found.append(ex.Consent(topic=topic.name, channel=message.channel))
        found.append(ex.Not(item=ex.Listed(channel=message.channel, address=address)))
        found += [ex.Not(item=n.condition) for n in rules.never]
        known = ex.Field(type=field.type, is_nullable=field.is_nullable, name=address)
        return [*found, ex.Known(value=known)]

    def _rest(
        self,
        tail: str,
        send: pg.ActState,
        until: ex.HeldUntil,
        gate: pg.DecideState | None,
        first: str,
    ) -> pg.WaitState:
        return pg.WaitState(
            id=send.id + tail,
            step=send.step,
            place=send.place,
            timer=pg.UntilMoment(moment=until),
            timeout=gate.id if gate else first,
        )

    def _gate(self, send: pg.ActState, first: str) -> pg.DecideState | None:
        """Return the state that tests goals and exits by condition when a held passage
        wakes (S8)."""
        # All gates of a journey have the same branches, so the first one is as good as any.
        gates = (s for s in self.journey.states if isinstance(s, pg.DecideState) and _is_gate(s))
        gate = next(gates, None)
        return _hidden(f"{send.id}:gate", send, [*gate.branches], first) if gate else None


def _is_gate(state: pg.DecideState) -> bool:
    return state.is_hidden and state.id.startswith("gate:")


def _expired(message: pg.Message, send: str) -> ex.Expired | None:
    if message.expires is None:
        return None
    return ex.Expired(states=family(send), period=message.expires)


def _hidden(id: str, send: pg.ActState, ways: list[pg.Branch], otherwise: str) -> pg.DecideState:
    return pg.DecideState(
        id=id,
        step=send.step,
        is_hidden=True,
        place=send.place,
        branches=tuple(ways),
        otherwise=otherwise,
    )
