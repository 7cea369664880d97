"""What a run would do to customers and audiences, found out by doing it and taking it back (S26).

The store is changed within a transaction that is rolled back, so a plan says what the run will do, and
not what a second implementation of it thinks.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cij.compiler.program import Program
from cij.compiler.sql import Statement
from cij.compiler.sql.audience import audience
from cij.runtime.deploy import deploy
from cij.runtime.engine import Engine
from cij.runtime.errors import reason_of
from cij.runtime.refresh import refresh
from cij.runtime.sources.load import TornLoad
from cij.runtime.store import foresight as statements
from cij.runtime.world import World


@dataclass(frozen=True, slots=True)
class Audience:
    """A segment from which people enter: how many would join and leave, and would then be inside."""

    segment: str
    joined: int
    left: int
    inside: int


@dataclass(frozen=True, slots=True)
class Foresight:
    """What the next run would do.

    `new` customers come, `absent` ones would be in no source any more, `merged` become another customer,
    `split` are parts of one with an id of their own. `other_id` counts customers one of whose records would
    have another id, for whatever reason. `renamed` has pairs of sources with the same keys: one is gone and
    one is new. `failed` has the reasons of the sources that fail.
    """

    new: int = 0
    absent: int = 0
    merged: int = 0
    split: int = 0
    other_id: int = 0
    renamed: tuple[tuple[str, str, int], ...] = ()
    audiences: tuple[Audience, ...] = ()
    placeholders: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield what there is to tell, one sentence a line."""
        yield from self.failed
        yield from self._of_people()
        for old, new, keys in self.renamed:
            yield (
                f"source {new} has {keys} {_noun(keys, 'key')} of source {old}, which is gone: if it is the "
                f"same source, write `renamed {old} to {new}` in the profile, and nobody gets another id"
            )
        yield from self.placeholders
        for each in self.audiences:
            if each.joined or each.left:
                yield (
                    f"segment {each.segment}: {each.joined} would enter, {each.left} would leave, "
                    f"{each.inside} would be inside"
                )

    def _of_people(self) -> Iterator[str]:
        told = (
            (self.new, "would be new"),
            (self.absent, "would be in no source any more; they stand still and get no messages"),
            (self.other_id, "would get another id"),
            (self.merged, "would be merged into another customer"),
            (self.split, "would be split off from another customer, with a new id"),
        )
        for count, what in told:
            if count:
                yield f"{count} {_noun(count, 'customer')} {what}"


def _noun(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"


class Measure(Protocol):
    """What else is counted while the program is there, and is taken back with it."""

    def before(self, engine: Engine, now: datetime) -> None:
        """Count with the program that runs now, on the data of the last run."""
        ...

    def after(self, world: World, now: datetime, *, is_refreshed: bool) -> None:
        """Count with the new program; it is called twice, with the data of the last run and of now."""
        ...


class _Undone(Exception):
    """Rolls back what was done to find out."""


def foresee(
    engine: Engine, program: Program, root: Path, now: datetime, measure: Measure | None = None
) -> Foresight:
    """Return what a run of the program at `now` would do, without a change of the store.

    Where a source fails it is tried once more, and `measure` is called again. Raises: StoreError where the program has no place for some open passages (S21).
    """
    failed: dict[str, str] = {}
    while True:
        found: list[Foresight] = []
        try:
            with suppress(_Undone), engine.transaction():
                found.append(_tried(engine, program, root, now, failed, measure))
                raise _Undone
        except TornLoad as error:
            # As in a run: once more without this source (S28).
            failed[error.source] = f"source {error.source}: {reason_of(error.cause)}"
        else:
            return found[0]


def _tried(
    engine: Engine,
    program: Program,
    root: Path,
    now: datetime,
    failed: dict[str, str],
    measure: Measure | None,
) -> Foresight:
    for statement in statements.BEFORE:
        engine.execute(statement)
    if measure is not None:
        measure.before(engine, now)
    world = deploy(engine, program, now)
    if measure is not None:
        measure.after(world, now, is_refreshed=False)
    report = refresh(engine, program, root, now, failed)
    if measure is not None:
        measure.after(world, now, is_refreshed=True)
    return Foresight(
        # A part that is split off is counted as split, not as new.
        new=_count(engine, statements.NEW) - len(report.split),
        absent=report.absent,
        merged=len(report.merged),
        split=len(report.split),
        other_id=_count(engine, statements.OTHER_ID),
        renamed=tuple((old, new, n) for old, new, n in engine.rows(statements.SAME_KEYS)),
        audiences=tuple(_audiences(world, now)),
        placeholders=tuple(each.line() for each in report.placeholders),
        failed=tuple(failed.values()),
    )


def _count(engine: Engine, statement: Statement) -> int:
    return int(engine.rows(statement)[0][0])


def _audiences(world: World, now: datetime) -> Iterator[Audience]:
    world.calendar.show(now)
    segments = {segment.name: segment for segment in world.program.segments}
    for name in world.newest.segments:
        asked = audience(segments[name], world.program)
        yield Audience(name, *world.engine.rows(asked, {"now": now})[0])
