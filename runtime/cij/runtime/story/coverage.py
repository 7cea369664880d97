"""Coverage: which points of a journey its tests reach.

A *point* is something that can happen to a passage: an entry, an arm of a branch, an event, a
condition or the deadline of a wait, an exit, a goal, a locale of a message. The points that were
reached are read from the moves of passages, because a move has its path. So coverage costs nothing
while a test runs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from cij.compiler import program as pg
from cij.compiler.expression import Expression, HashShare
from cij.compiler.sql import query
from cij.compiler.sql.interning import number_of, texts_of
from cij.compiler.sql.plan.governing import governed, rules_of
from cij.compiler.sql.plan.regions import Leaf, regions
from cij.compiler.walk import walk
from cij.runtime.delivery.render import choose_locale
from cij.runtime.engine import Row
from cij.runtime.world import World

KINDS = ("entry", "arm", "event", "condition", "timeout", "exit", "goal", "locale")

# Each move with the path of the move before it, once for all passages with the same two paths.
_MOVES = query(
    """
SELECT r.before, r.path, {why} FROM (
  SELECT DISTINCT n.before, n.path, n.why FROM (
    SELECT LAG(m.path) OVER (PARTITION BY m.passage ORDER BY m.rowid) AS before, m.path, m.why
    FROM move AS m JOIN passage_row AS p ON p.id = m.passage WHERE p.journey = $number
  ) AS n
) AS r
""",
    **texts_of("r", "why"),
)
_GOALS = query("SELECT DISTINCT v.goal FROM conversion AS v WHERE v.journey = $journey")
_LOCALES = query(
    "SELECT DISTINCT o.message, o.locale FROM outbox AS o WHERE o.journey = $journey "
    "AND o.channel <> 'action' AND o.outcome IN ('queued', 'delivered')"
)
_BY_SEGMENT = query(
    "SELECT DISTINCT s.segment FROM passage_row AS p JOIN segment_member AS s ON s.customer = p.customer "
    "WHERE p.journey = $number AND p.trigger IS NULL"
)
_BY_EVENT = (
    "SELECT 1 FROM passage_row AS p JOIN {events} AS e ON e.seq = p.trigger "
    "WHERE p.journey = $number LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a journey.

    `name` is unique within its kind and step; `condition` is the written one.
    """

    journey: str
    kind: str
    step: str
    name: str
    place: pg.Place = field(compare=False)
    condition: Expression | None = field(default=None, compare=False)


@dataclass(slots=True)
class Coverage:
    """The points of a program, in the order of its text, and whether a store showed them."""

    program: pg.Program
    points: dict[Point, bool] = field(default_factory=dict)
    # Journeys as they run under the policies, and their paths, since moves have these paths.
    _ruled: dict[str, pg.Journey] = field(default_factory=dict)
    _leaves: dict[str, dict[int, Leaf]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rules = rules_of(self.program)
        for journey in self.program.journeys:
            self.points |= dict.fromkeys(_points(journey, self.program), False)
            ruled = governed(journey, self.program, rules)
            found = (leaf for region in regions(ruled) for leaf in region.leaves)
            self._ruled[journey.name] = ruled
            self._leaves[journey.name] = {leaf.path: leaf for leaf in found}

    def read(self, world: World) -> None:
        """Mark the points that were reached in a store, in all journeys of its program."""
        for journey in world.program.journeys:
            for kind, step, name in self._seen(world, journey):
                point = Point(journey.name, kind, step, name, journey.place)
                if point in self.points:
                    self.points[point] = True

    def _seen(self, world: World, journey: pg.Journey) -> Iterator[tuple[str, str, str]]:
        named = _named(journey)
        leaves = self._leaves[journey.name]
        for before, path, why in world.engine.rows(_MOVES, named):
            if path in leaves:
                yield from _woken(leaves.get(before), leaves[path], why)
                yield from _along(self._ruled[journey.name], leaves[path])
        for (goal,) in world.engine.rows(_GOALS, named):
            yield "goal", "", goal
        yield from self._locales(world.engine.rows(_LOCALES, named))
        yield from _entered(world, journey)

    def _locales(self, rows: Iterable[Row]) -> Iterator[tuple[str, str, str]]:
        messages = {m.name: m for m in self.program.messages}
        for name, locale in rows:
            yield "locale", name, choose_locale(messages[name], locale).locale


# --- the points of a journey ------------------------------------------------------------------


_Found = tuple[str, str, str, pg.Place, Expression | None]


def _points(journey: pg.Journey, program: pg.Program) -> Iterator[Point]:
    for found in (*_head(journey), *_waits_and_arms(journey), *_languages(journey, program)):
        yield Point(journey.name, *found)


def _head(journey: pg.Journey) -> Iterator[_Found]:
    for entry in journey.entries:
        where = entry.where if isinstance(entry, pg.EventEntry) else None
        yield "entry", "", _entry(entry), journey.place, where
    for exit in journey.exits:
        yield "exit", "", exit.target, exit.place, exit.where or exit.condition
    for goal in journey.goals:
        yield "goal", "", goal.name, goal.place, goal.where or goal.condition


def _waits_and_arms(journey: pg.Journey) -> Iterator[_Found]:
    for state in sorted(journey.states, key=lambda s: (s.place.file, s.place.line, s.place.column)):
        if isinstance(state, pg.DecideState) and not state.is_hidden:
            yield from _arms(state)
        elif isinstance(state, pg.WaitState):
            yield from _ways_on(state)


def _arms(state: pg.DecideState) -> Iterator[_Found]:
    for n, branch in enumerate(state.branches, 1):
        yield "arm", state.step, f"branch {n}", state.place, branch.guard
    if not _takes_all(state.branches):
        yield "arm", state.step, "else", state.place, None


def _ways_on(rest: pg.WaitState) -> Iterator[_Found]:
    for arm in rest.awaits:
        yield "event", rest.step, _awaited(arm), rest.place, arm.where
    for n, test in enumerate(rest.conditions, 1):
        yield "condition", rest.step, f"when {n}", rest.place, test.condition
    yield "timeout", rest.step, "timeout", rest.place, None


def _languages(journey: pg.Journey, program: pg.Program) -> Iterator[_Found]:
    for message in _sent(journey, program):
        for content in message.locales:
            yield "locale", message.name, content.locale, message.place, None


def _takes_all(branches: tuple[pg.Branch, ...]) -> bool:
    """Tell whether branches are the arms of a split, which take all customers, so `else` is no
    point."""
    shares = [part for part in walk(branches[-1]) if isinstance(part, HashShare)]
    return any(Decimal(share.high) >= 1 for share in shares)


def _entry(entry: pg.Entry) -> str:
    if isinstance(entry, pg.EventEntry):
        return f"on {entry.event}"
    return f"from segment {entry.segment}"


def _awaited(arm: pg.Await) -> str:
    name = arm.event if arm.of is None else f"{arm.event}({arm.of})"
    return f"{name} #{arm.order}" if arm.order else name


def _sent(journey: pg.Journey, program: pg.Program) -> list[pg.Message]:
    acts = [s.effect for s in journey.states if isinstance(s, pg.ActState)]
    names = {effect.message for effect in acts if isinstance(effect, pg.SendEffect)}
    return [m for m in program.messages if m.name in names]


# --- the points that were reached -------------------------------------------------------------


def _woken(before: Leaf | None, leaf: Leaf, why: str) -> Iterator[tuple[str, str, str]]:
    """Yield the point that ended the wait at which a move began."""
    if before is None or not isinstance(before.final, pg.WaitState):
        return
    rest, root = before.final, leaf.visits[0].state
    if why == "timer" and root == rest.timeout:
        yield "timeout", rest.step, "timeout"
        return
    arms = [a for a in rest.awaits if why in (a.event, "came before") and a.target == root]
    for arm in arms[:1]:
        yield "event", rest.step, _awaited(arm)
    if not arms:
        tests = [n for n, c in enumerate(rest.conditions, 1) if c.target == root]
        yield from (("condition", rest.step, f"when {n}") for n in tests[:1])


def _along(journey: pg.Journey, leaf: Leaf) -> Iterator[tuple[str, str, str]]:
    """Yield the arms on a path, and the exit at its end."""
    for visit, after in zip(leaf.visits, leaf.visits[1:], strict=False):
        yield from _decided(journey.state(visit.state), after.why or "", after.state)
    if leaf.is_cut:
        yield from _decided(journey.state(leaf.visits[-1].state), "", leaf.final.id)
    if isinstance(leaf.final, pg.EndState) and leaf.final.cause == "exit":
        yield "exit", "", leaf.final.id


def _decided(state: pg.State, why: str, target: str) -> Iterator[tuple[str, str, str]]:
    if not isinstance(state, pg.DecideState):
        return
    ways = {f"branch {n}": b.target for n, b in enumerate(state.branches, 1)}
    ways["else"] = state.otherwise
    # Where a region is cut, the path has no reason for the last step, so the target decides.
    taken = [why] if why in ways else [name for name, to in ways.items() if to == target]
    for name in taken:
        if not state.is_hidden:
            yield "arm", state.step, name
        elif state.id == f"{state.step}:holds":
            yield "condition", state.step, name.replace("branch", "when")


def _named(journey: pg.Journey) -> dict[str, object]:
    return {"journey": journey.name, "number": number_of(journey.name)}


def _entered(world: World, journey: pg.Journey) -> Iterator[tuple[str, str, str]]:
    named = _named(journey)
    inside = {segment for (segment,) in world.engine.rows(_BY_SEGMENT, named)}
    for entry in journey.entries:
        if isinstance(entry, pg.SegmentEntry):
            is_taken = number_of(entry.segment) in inside
        else:
            statement = query(_BY_EVENT, events=f"event_{entry.event}")
            is_taken = bool(world.engine.rows(statement, named))
        if is_taken:
            yield "entry", "", _entry(entry)
