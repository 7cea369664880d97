"""What a drawing of a journey shows: its states as people know them, and what leads from one to
the next. Pure text; the renderers decide how it looks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from cij.compiler import expression as ex, program as pg
from cij.compiler.unparse import (
    duration_words,
    end_words,
    event_words,
    moment_words,
    name_words,
    percent_words,
    schedule_words,
    timer_words,
    words,
)
from cij.compiler.unparse_effect import effect_words
from cij.compiler.unparse_policy import policy_notes

# What a comparison says of a node; empty where it is as before.
Mark = Literal["", "added", "removed", "changed"]
Kind = Literal["entry", "send", "act", "wait", "decide", "end", "goal", "exit"]

# The states that test the conditions of goals and exits; the author wrote none of them.
_GATE = "gate:"
_GATE_NOTE = (
    "goals and exits with a condition are tested at the start, after every wait and on every event"
)


@dataclass(frozen=True, slots=True)
class Node:
    """`text` has the headline first. `id` is that of the state, which outlives edits (S21)."""

    id: str
    kind: Kind
    text: tuple[str, ...]
    place: str
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """`labels` has one entry for each of the ways that lead from `source` to `target`."""

    source: str
    target: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """`nodes` and `edges` are the flow; `leaves` the goals and exits, which hold everywhere."""

    name: str
    doc: str
    notes: tuple[str, ...]
    leaves: tuple[Node, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def outline(journey: pg.Journey, policies: Iterable[pg.Policy] = ()) -> Graph:
    """Return what a drawing of `journey` shows, in an order that depends on nothing else.

    `policies` are noted where the journey sends anything.
    """
    states = {state.id: state for state in journey.states}
    start = _shown(journey.start, states)
    entries = tuple(_entries(journey))
    edges = [Edge(entry.id, start) for entry in entries]
    nodes: list[Node] = []
    for state in _reached(start, states):
        nodes.append(_node(state))
        edges += _edges(state, states)
    return Graph(
        name=journey.name,
        doc=journey.doc,
        notes=(*_notes(journey), *(policy_notes(policies) if _sends(journey) else ())),
        leaves=(*_goals(journey), *_exits(journey)),
        nodes=(*entries, *nodes),
        edges=tuple(edges),
    )


def _shown(id: str, states: dict[str, pg.State]) -> str:
    """Return the state that is drawn in place of `id`: what lies behind hidden ones."""
    for _ in states:
        state = states[id]
        if isinstance(state, pg.DecideState) and (state.is_hidden or id.startswith(_GATE)):
            id = state.otherwise
        elif isinstance(state, pg.ActState) and state.is_hidden:
            id = state.target
        else:
            return id
    raise AssertionError(f"the hidden states before {id} lead to each other")


def _reached(start: str, states: dict[str, pg.State]) -> list[pg.State]:
    """Return the drawn states depth first, the branch that is written first before the others."""
    found: dict[str, pg.State] = {}
    stack = [start]
    while stack:
        id = stack.pop()
        if id not in found:
            found[id] = states[id]
            stack += [_shown(target, states) for _, target in reversed(list(_ways(states[id])))]
    return list(found.values())


def _edges(state: pg.State, states: dict[str, pg.State]) -> Iterator[Edge]:
    labels: dict[str, list[str]] = {}
    for label, target in _ways(state):
        labels.setdefault(_shown(target, states), []).append(label)
    for target, found in labels.items():
        yield Edge(state.id, target, tuple(label for label in found if label))


# --- states -----------------------------------------------------------------------------------


def _node(state: pg.State) -> Node:
    kind, headline = _headline(state)
    label = _label(state)
    return Node(state.id, kind, (headline, *([label] if label else [])), str(state.place))


# What the compiler calls a step without a label; longer derived names have a space.
_DERIVED = ("completed", "end", "if", "switch")


def _label(state: pg.State) -> str:
    """Return the label that the author gave to the step, or nothing where it has none."""
    name = state.step.removeprefix("split ")
    is_derived = " " in name or name in _DERIVED
    return "" if is_derived or isinstance(state, pg.EndState) and name == state.outcome else name


def _headline(state: pg.State) -> tuple[Kind, str]:
    match state:
        case pg.WaitState():
            return "wait", _wait_words(state)
        case pg.DecideState():
            return "decide", _decide_words(state)
        case pg.ActState(effect=effect):
            kind: Kind = "send" if isinstance(effect, pg.SendEffect) else "act"
            return kind, effect_words(effect)
        case pg.EndState(outcome=outcome, cause=cause):
            return "end", f"{cause} {name_words(outcome)}"


def _wait_words(state: pg.WaitState) -> str:
    up_to = (
        "up to "
        if (state.awaits or state.conditions) and isinstance(state.timer, pg.AfterPeriod)
        else ""
    )
    return f"wait {up_to}{timer_words(state.timer)}"


def _decide_words(state: pg.DecideState) -> str:
    if _is_split(state):
        return "split"
    return "repeat" if state.id in (f"{state.step}:until", f"{state.step}:again") else "if"


def _is_split(state: pg.DecideState) -> bool:
    return all(_share(branch.guard) is not None for branch in state.branches)


def _share(guard: ex.Expression) -> ex.HashShare | None:
    """Return the share of an arm of a split, also of one that looks for a winner."""
    match guard:
        case ex.HashShare():
            return guard
        case ex.Or(
            items=(ex.Winner(), ex.And(items=(ex.Not(item=ex.Winner()), ex.HashShare() as share)))
        ):
            return share
    return None


# --- ways from a state ------------------------------------------------------------------------


def _ways(state: pg.State) -> Iterator[tuple[str, str]]:
    """Yield (label, target) of each way on."""
    match state:
        case pg.WaitState():
            yield from _ways_of_rest(state)
        case pg.DecideState():
            labels = _split_labels(state) if _is_split(state) else _guard_labels(state)
            # A split whose shares make 100% has no way for the rest.
            yield from zip(labels, _targets(state), strict=False)
        case pg.ActState(target=target):
            yield "", target


def _targets(state: pg.DecideState) -> list[str]:
    return [*(branch.target for branch in state.branches), state.otherwise]


def _ways_of_rest(state: pg.WaitState) -> Iterator[tuple[str, str]]:
    is_only = len(state.awaits) == 1 and not state.conditions
    intro = "yes: " if is_only else "on "
    for item in state.awaits:
        yield intro + event_words(item.event, item.of, item.where), item.target
    for condition in state.conditions:
        yield f"when {words(condition.condition)}", condition.target
    has_arms = state.awaits or state.conditions
    yield _timeout_words(state.timer) if has_arms else "", state.timeout


def _timeout_words(timer: pg.Timer) -> str:
    text = timer_words(timer)
    match timer:
        case pg.AfterPeriod():
            return f"after {text}"
        case pg.UntilMoment() | pg.UntilWeekday():
            return f"not {text}"


def _guard_labels(state: pg.DecideState) -> list[str]:
    return [*(words(branch.guard) for branch in state.branches), "else"]


def _split_labels(state: pg.DecideState) -> list[str]:
    found = [_share(branch.guard) for branch in state.branches]
    shares = [Decimal(share.high) - Decimal(share.low) for share in found if share is not None]
    rest = 1 - sum(shares, Decimal(0))
    labels = [
        percent_words(share) + _winner_words(branch.guard)
        for share, branch in zip(shares, state.branches, strict=True)
    ]
    return [*labels, percent_words(rest)] if rest > 0 else labels


def _winner_words(guard: ex.Expression) -> str:
    is_won = isinstance(guard, ex.Or) and isinstance(guard.items[0], ex.Winner)
    return f", all once {words(guard.items[0])}" if is_won and isinstance(guard, ex.Or) else ""


# --- header -----------------------------------------------------------------------------------


def _entries(journey: pg.Journey) -> Iterator[Node]:
    for number, entry in enumerate(journey.entries, start=1):
        yield Node(f"header:entry:{number}", "entry", _entry_text(entry), str(journey.place))


def _entry_text(entry: pg.Entry) -> tuple[str, ...]:
    match entry:
        case pg.SegmentEntry(segment=segment, is_once=is_once, every=every):
            when = f" {schedule_words(every)}" if every else " once" if is_once else ""
            return (f"enter from segment {name_words(segment)}{when}",)
        case pg.EventEntry(event=event, where=where):
            return (f"enter on {name_words(event)}", *_where(where))


def _goals(journey: pg.Journey) -> Iterator[Node]:
    for number, goal in enumerate(journey.goals, start=1):
        within = f"within {duration_words(goal.within)}" if goal.within else ""
        stay = "" if goal.target else "and stay"
        text = (f"goal {name_words(goal.name)}", *_cause(goal), within, stay)
        id = f"header:goal:{number}"
        yield Node(id, "goal", tuple(line for line in text if line), str(goal.place))


def _exits(journey: pg.Journey) -> Iterator[Node]:
    for number, exit in enumerate(journey.exits, start=1):
        text = (f"exit {name_words(exit.name)}", *_cause(exit))
        yield Node(f"header:exit:{number}", "exit", text, str(exit.place))


def _cause(leave: pg.Goal | pg.Exit) -> Iterator[str]:
    if leave.event is not None:
        yield f"on {name_words(leave.event)}"
        yield from _where(leave.where)
    if leave.condition is not None:
        yield f"when {words(leave.condition)}"


def _where(condition: ex.Expression | None) -> tuple[str, ...]:
    return () if condition is None else (f"where {words(condition)}",)


def _notes(journey: pg.Journey) -> Iterator[str]:
    """Yield what holds for the whole journey and is not said by any node."""
    after = f" {duration_words(journey.again_after)}" if journey.again_after else ""
    yield f"again {journey.again}{after}"
    if journey.per:
        yield f"per {name_words(journey.per)}"
    yield from _times(journey)
    if journey.holdout:
        yield f"{percent_words(journey.holdout)} held out"
    if journey.suppress is not None:
        yield f"suppressed when {words(journey.suppress)}"
    if any(state.id.startswith(_GATE) for state in journey.states):
        yield _GATE_NOTE


def _sends(journey: pg.Journey) -> bool:
    acts = (state for state in journey.states if isinstance(state, pg.ActState))
    return any(isinstance(act.effect, pg.SendEffect) for act in acts)


def _times(journey: pg.Journey) -> Iterator[str]:
    if journey.is_draft:
        yield "draft: nobody enters in a real run"
    if journey.starts is not None:
        yield f"starts {moment_words(journey.starts)}"
    if journey.ends is not None:
        yield f"ends at {end_words(journey.ends)}"
    if journey.limit is not None:
        yield f"at most {journey.limit.count} enter per {journey.limit.unit}"
