"""Playing a story: one journey and one store in memory, statement by statement."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cij.compiler import story as st
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.runtime.clock import SimulatedClock
from cij.runtime.deploy import deploy
from cij.runtime.engine import open_engine
from cij.runtime.errors import WorldError, reason_of
from cij.runtime.story import expect, story_clock
from cij.runtime.story.stage import Stage
from cij.runtime.story.trace import trace
from cij.runtime.story.verdict import Failure, Finding
from cij.runtime.world import World

# Stores are prepared with an instant before the start of every story.
_LONG_AGO = datetime(1970, 1, 1)
# Calendar entries count from the start of the story, so that none is due for the time before it.
_START = query("UPDATE journey_state SET started_at = $start")


@dataclass(frozen=True, slots=True)
class StoryResult:
    """The result of a story.

    `failures` are in its order; `traces` have the lines of each customer.
    """

    story: st.Story
    failures: tuple[Failure, ...]
    traces: dict[str, tuple[str, ...]]

    @property
    def is_ok(self) -> bool:
        return not self.failures


def run_story(program: Program, story: st.Story) -> StoryResult:
    """Play one story. For several stories of a program a `StoryPlayer` is faster."""
    player = StoryPlayer(program)
    try:
        return player.play(story)
    finally:
        player.close()


class _Undone(Exception):
    """Rolls back the transaction of a story."""


@dataclass(slots=True)
class StoryPlayer:
    """Plays stories of one program.

    Each journey has a store in memory that is prepared once. A story is a transaction that is
    rolled back, because making a store takes longer than most stories. Without `is_telling` only
    failures have traces. `observe` is called with the store at the end of each story.
    """

    program: Program
    is_telling: bool = True
    observe: Callable[[World], None] | None = None
    _worlds: dict[str, World] = field(default_factory=dict)

    def play(self, story: st.Story) -> StoryResult:
        """Play all statements of a story, also after one has failed."""
        world = self._world(story.journey)
        results: list[StoryResult] = []
        try:
            with suppress(_Undone), world.transaction():
                results.append(_play(story, world, self.is_telling))
                if self.observe is not None:
                    self.observe(world)
                raise _Undone
        except (WorldError, AssertionError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, other tests go on (S28)
            # The store of this journey may be in any state now.
            self._worlds.pop(story.journey).engine.close()
            return StoryResult(story, (_broken(story, error),), {})
        return results[0]

    def close(self) -> None:
        """Close all stores."""
        for world in self._worlds.values():
            world.engine.close()
        self._worlds.clear()

    def _world(self, journey: str) -> World:
        """Return a store with this journey only, because a test is about one journey."""
        if journey not in self._worlds:
            journeys = tuple(j for j in self.program.journeys if j.name == journey)
            alone = self.program.model_copy(update={"journeys": journeys})
            engine = open_engine(None, threads=1, is_tiny=True)
            self._worlds[journey] = deploy(engine, alone, _LONG_AGO)
        return self._worlds[journey]


def _broken(story: st.Story, error: Exception) -> Failure:
    """Return the failure of a test in which a statement of the journey itself fails."""
    return Failure(
        place=story.place,
        statement=f"{story.journey}: {story.title}",
        customer="",
        found=f"the journey fails: {reason_of(error)}",
        hint=None,
        trace=(),
    )


def _play(story: st.Story, world: World, is_telling: bool) -> StoryResult:
    start = story_clock.instant(story.clock, world.program.timezone)
    world.engine.execute(_START, {"start": start})
    stage = Stage(world, SimulatedClock(start), world.program.journeys[0])
    failures = [f for s in story.statements for f in _do(s, stage)]
    stage.settle()
    traced = sorted(stage.customers) if is_telling else ()
    traces = {name: trace(stage, name) for name in traced}
    return StoryResult(story, tuple(failures), traces)


def _do(statement: st.Statement, stage: Stage) -> list[Failure]:
    finding = _ACTIONS[type(statement)](stage, statement)
    if finding is None:
        return []
    assert not isinstance(statement, (st.After, st.Down)), "time passes without failing"
    customer = "" if isinstance(statement, st.GivenRow) else statement.customer
    return [
        Failure(
            place=statement.place,
            statement=statement.words,
            customer=customer,
            found=finding.found,
            hint=finding.hint,
            trace=trace(stage, customer) if customer else (),
        )
    ]


def _after(stage: Stage, statement: st.After) -> None:
    stage.after(statement)


def _down(stage: Stage, statement: st.Down) -> None:
    stage.down(statement)


def _settled(
    check: Callable[[Stage, Any], Finding | None],
) -> Callable[[Stage, Any], Finding | None]:
    def rule(stage: Stage, statement: Any) -> Finding | None:
        stage.settle()
        return check(stage, statement)

    return rule


_ACTIONS: dict[type, Callable[[Stage, Any], Finding | None]] = {
    st.Given: Stage.given,
    st.GivenRow: Stage.given_row,
    st.Happens: Stage.happens,
    st.After: _after,
    st.Down: _down,
    st.ExpectSent: _settled(expect.sent),
    st.ExpectNothing: _settled(expect.nothing),
    st.ExpectNoOther: _settled(expect.no_other),
    st.ExpectEnded: _settled(expect.ended),
    st.ExpectWaiting: _settled(expect.waiting),
    st.ExpectMember: _settled(expect.member),
    st.ExpectHas: _settled(expect.has),
    st.ExpectDone: _settled(expect.done),
}
