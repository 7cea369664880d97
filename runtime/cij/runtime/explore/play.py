"""Playing drawn stories over all journeys at once, and shrinking a story that fails."""

import operator
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from random import Random

from cij.compiler import story as st
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.runtime.clock import SimulatedClock
from cij.runtime.deploy import deploy
from cij.runtime.engine import Row, open_engine
from cij.runtime.explore.draw import draw
from cij.runtime.explore.invariants import (
    barred_by,
    consents_changed,
    consents_said,
    violations,
    zone_said,
)
from cij.runtime.explore.lived import Event, Lived, Violation
from cij.runtime.explore.story_text import as_test, joined
from cij.runtime.explore.vocabulary import vocabulary
from cij.runtime.insight.timeline import lines, timeline
from cij.runtime.simulate import run_while
from cij.runtime.story import story_clock
from cij.runtime.story.stage import Stage
from cij.runtime.world import World

_LONG_AGO = datetime(1970, 1, 1)
# A loop with more iterations is not played to its end: it ends in the same way as a shorter one.
_WAKINGS_MAX = 40
SHRINKING_MAX = 150
_SAME = "a replay gives the same history"

# Calendar entries count from the start of the story, so that none is due for the time before it.
_START = query("UPDATE journey_state SET started_at = $start")
_INSIDE = query(
    "SELECT p.id, p.customer, p.journey, p.wake_at FROM passage AS p "
    "WHERE p.ended_at IS NULL AND p.id <= $last ORDER BY p.wake_at NULLS FIRST, p.id LIMIT 1"
)
_LAST = query("SELECT COALESCE(MAX(p.id), 0) FROM passage AS p")
# The tables that two plays of one story must fill with the same rows.
COMPARED = (
    query("SELECT * FROM passage AS p ORDER BY p.id"),
    query("SELECT h.passage, h.at, h.n, h.state, h.why FROM history AS h ORDER BY ALL"),
    query("SELECT * FROM outbox AS o ORDER BY o.key"),
    query("SELECT * FROM conversion AS v ORDER BY ALL"),
)


@dataclass(frozen=True, slots=True)
class Broken:
    """A violation, with the smallest story that shows it.

    `test` is the text of the story as a test; `trace` is what happened to its customers, by line.
    """

    number: int
    violation: Violation
    test: str
    trace: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The result of exploring, which ends at the first story with a violation."""

    played: int
    broken: Broken | None


@dataclass(frozen=True, slots=True)
class _Played:
    violations: tuple[Violation, ...]
    snapshot: tuple[list[Row], ...]
    trace: tuple[str, ...]


class _Undone(Exception):
    """Rolls back the transaction of a story."""


Observe = Callable[[World], None]


@dataclass(slots=True)
class Explorer:
    """Draws and plays stories for a program. `observe` is called with the store at the end of each.

    All stories share one store. Each is a transaction that is rolled back, because making a store
    takes longer than most stories.
    """

    program: Program
    seed: int
    observe: Observe | None = None
    _world: World | None = field(default=None)

    def explore(self, count: int, progress: Callable[[int], None]) -> Found:
        """Play `count` stories, or fewer up to the first violation.

        `progress` gets the number of each.
        """
        words = vocabulary(self.program)
        for number in range(1, count + 1):
            # Each story has its own seed, so that it can be drawn again without those before it.
            story = draw(words, Random(f"{self.seed}:{number}"))
            found = self._violation(story, is_replayed=True)
            if found is not None:
                return Found(number, self._smallest(number, story, found))
            progress(number)
        return Found(count, None)

    def close(self) -> None:
        if self._world is not None:
            self._world.engine.close()
            self._world = None

    # --- one story ---

    def _violation(self, story: st.Story, is_replayed: bool) -> Violation | None:
        first = self._play(story)
        if first.violations:
            return first.violations[0]
        if is_replayed and self._play(story).snapshot != first.snapshot:
            return Violation(_SAME, self._any_journey(), "", "the same story gave another history")
        return None

    def _any_journey(self) -> str:
        return self.program.journeys[0].name

    def _play(self, story: st.Story, *, is_told: bool = False) -> _Played:
        if self._world is None:
            engine = open_engine(None, threads=1, is_tiny=True)
            self._world = deploy(engine, self.program, _LONG_AGO)
        results: list[_Played] = []
        try:
            with suppress(_Undone), self._world.transaction():
                results.append(play_story(story, self._world, is_told=is_told))
                if self.observe is not None:
                    self.observe(self._world)
                raise _Undone
        except Exception as error:  # noqa: BLE001 - whatever breaks is what is looked for
            # The store may be in an undefined state, so the next story gets a new one.
            self.close()
            text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            broken = Violation("nothing breaks", self._any_journey(), "", text)
            return _Played((broken,), (), ())
        return results[0]

    # --- the smallest ---

    def _smallest(self, number: int, story: st.Story, violation: Violation) -> Broken:
        # Only drawn stories count for coverage, not those that shrinking tries.
        observe, self.observe = self.observe, None
        left = SHRINKING_MAX
        is_smaller = True
        while is_smaller and left > 0:
            is_smaller = False
            for smaller in _smaller(story):
                left -= 1
                found = self._violation(smaller, is_replayed=violation.rule == _SAME)
                if found is not None and found.rule == violation.rule:
                    story, violation, is_smaller = smaller, found, True
                    break
                if left <= 0:
                    break
        trace = self._play(story, is_told=True).trace
        self.observe = observe
        title = f"explored {self.seed}:{number}, {violation.rule}"
        return Broken(number, violation, as_test(story, title, violation.journey), trace)


def _smaller(story: st.Story) -> Iterator[st.Story]:
    """Yield the stories with one statement, field or consent less.

    Those with a statement less come first.

    The first statement about a customer stays, because an event needs one, unless nothing else
    needs it.
    """
    for n, statement in enumerate(story.statements):
        name = getattr(statement, "customer", None)
        is_first = isinstance(statement, st.Given) and statement == _first_given(story, name)
        if not is_first or _is_only(story, name, n):
            yield _with(story, n, None)
    for n, statement in enumerate(story.statements):
        if isinstance(statement, (st.Given, st.Happens)):
            for key in statement.fields:
                fields = {k: v for k, v in statement.fields.items() if k != key}
                yield _with(story, n, replace(statement, fields=fields))
        if isinstance(statement, st.Given):
            for consent in statement.consents:
                consents = tuple(c for c in statement.consents if c != consent)
                yield _with(story, n, replace(statement, consents=consents))


def _first_given(story: st.Story, name: str | None) -> st.Statement | None:
    given = (s for s in story.statements if isinstance(s, st.Given) and s.customer == name)
    return next(given, None)


def _is_only(story: st.Story, name: str | None, place: int) -> bool:
    """Tell whether a statement is the only one about its customer, and the story has other
    customers."""
    names = [getattr(s, "customer", None) for s in story.statements]
    others = {n for n in names if n not in (None, name)}
    return names.count(name) == 1 and bool(others) and names[place] == name


def _with(story: st.Story, place: int, statement: st.Statement | None) -> st.Story:
    kept = list(story.statements)
    kept[place : place + 1] = [] if statement is None else [statement]
    return replace(story, statements=tuple(joined(kept)))


# --- playing a story --------------------------------------------------------------------------


def play_story(story: st.Story, world: World, *, is_told: bool) -> _Played:
    """Play a story. With `is_told` the result has a trace, which adds a sixth to the time."""
    start = story_clock.instant(story.clock, world.program.timezone)
    world.engine.execute(_START, {"start": start})
    stage = Stage(world, SimulatedClock(start), world.program.journeys[0])
    lived = Lived(stage)
    for statement in story.statements:
        do_statement(statement, lived)
    stage.settle()
    # The invariants must hold at the end of the story and after time has run on.
    found = [*violations(lived), *_stuck(stage), *violations(lived)]
    trace: list[str] = []
    for name in sorted(stage.customers) if is_told else ():
        whole = timeline(world.engine, world.program, name)
        trace += [f'what happened to "{name}":', *lines(whole, world.program.timezone)]
    return _Played(tuple(found), tuple(map(world.engine.rows, COMPARED)), tuple(trace))


def do_statement(statement: st.Statement, lived: Lived) -> None:
    """Play one statement, and record what it changed.

    A statement that the stage refuses changes nothing.
    """
    stage, now = lived.stage, lived.stage.clock.now()
    match statement:
        case st.Given():
            if stage.given(statement) is None:
                lived.said += consents_said(statement, stage.program, now)
                lived.zoned += zone_said(statement, now)
        case st.Happens():
            if stage.happens(statement) is None:
                lived.events.append(Event(now, statement.customer, statement.event))
                lived.said += consents_changed(statement, stage.program, now)
                lived.barred += barred_by(statement, stage.program, now)
        case st.After():
            stage.after(statement)


def _stuck(stage: Stage) -> Iterator[Violation]:
    """Advance time until all passages have ended, or for some wakings.

    Yield a passage that is stuck.

    New passages are ignored, because a calendar entry could go on for ever.
    """
    last = stage.rows(_LAST)[0][0]
    before: Row | None = None
    for _ in range(_WAKINGS_MAX):
        found = next(iter(stage.rows(_INSIDE, last=last)), None)
        if found is None:
            return
        _, customer, journey, wake_at = found
        if wake_at is None or found == before:
            text = "waits for nothing" if wake_at is None else f"stays at {stage.shown(wake_at)}"
            yield Violation("every passage moves on", journey, customer, text)
            return
        run_while(stage.world, stage.clock, partial(operator.ge, wake_at), lambda at: None)
        stage.clock.advance_to(max(wake_at, stage.clock.now()))
        before = found
