"""How many people a change of segments is about: who would enter and leave, and who is in several journeys.

A changed segment is evaluated twice at one instant: as it runs now, and as it is in the new program. Both see
the data of the last run, so the difference is the change and not what has come in since. Where the new
program reads its data in another way, the second one sees the data of now.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cij.compiler import program as pg
from cij.compiler.program import Program, canonical
from cij.compiler.sql import query
from cij.compiler.sql.making import make
from cij.compiler.sql.plan.segments import members
from cij.compiler.sql.template import Statement
from cij.runtime.deploy import look
from cij.runtime.engine import Engine
from cij.runtime.rollout import try_share
from cij.runtime.world import World


@dataclass(frozen=True, slots=True)
class Entering:
    """A changed segment. `before` is None for a new one, and `after` for one that is gone.

    The examples are ids of customers, a few of each, in their order.
    """

    segment: str
    before: int | None
    after: int | None
    enter: int
    leave: int
    enters: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Overlap:
    """The customers who match the entries of two journeys, by segments."""

    journey: str
    other: str
    people: int


@dataclass(slots=True)
class ChangeCounts:
    """Counts for the step from `old` to `new`; `old` is None where nothing runs yet.

    `share` is that of a rollout, in percent. `pairs` are journeys whose audiences may overlap. `counting` is the segment or pair that is being counted:
    after an error it says which one cannot be. Those in `left` are not counted, for a reason.
    """

    old: Program | None
    new: Program
    examples: int = 0
    share: int = 100
    pairs: Sequence[tuple[str, str]] = ()
    segments: list[Entering] = field(default_factory=list)
    overlaps: list[Overlap] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    counting: str | None = None

    def before(self, engine: Engine, now: datetime) -> None:
        """Evaluate the changed segments as they run now."""
        self.segments.clear()
        self.overlaps.clear()
        try_share(engine, self.new, self.share, now)
        changed = self._changed() if self.old is not None else []
        if not changed or self.old is None:
            return
        look(engine, self.old).calendar.show(now)
        for name in changed:
            self.counting = name
            segment = _segment(self.old, name)
            rows = members(segment, self.old) if segment is not None else _NOBODY
            engine.execute(make(_was(name), rows), {"now": now})
        self.counting = None

    def after(self, world: World, now: datetime, *, is_refreshed: bool) -> None:
        """Evaluate them as they are in the new program, and count."""
        if is_refreshed:
            world.calendar.show(now)
            self.overlaps += self._overlaps(world.engine, now)
        if self.old is None or is_refreshed != _reads_anew(self.old, self.new):
            return
        world.calendar.show(now)
        for name in self._changed():
            self.counting = name
            self.segments.append(self.entering(world.engine, name, now))
        self.counting = None

    def leave_out(self, reason: str) -> None:
        """Count on without what could not be counted."""
        assert self.counting is not None, "something was being counted"
        self.left[self.counting] = reason
        self.counting = None

    def _changed(self) -> list[str]:
        """Return the segments that differ, in themselves or in what they are made of."""
        assert self.old is not None, "without an older program all segments are new"
        if self.old.hash == self.new.hash:
            return []
        names = {s.name: None for p in (self.new, self.old) for s in p.segments}
        return [name for name in names if name not in self.left and self._differs(name)]

    def _differs(self, name: str) -> bool:
        assert self.old is not None, "asked for segments that differ"
        one, other = _segment(self.old, name), _segment(self.new, name)
        if one is None or other is None:
            return True
        # The statement has all that the condition is made of: measures, other segments, fields.
        return members(one, self.old) != members(other, self.new)

    def entering(self, engine: Engine, name: str, now: datetime) -> Entering:
        """Return the counts of one changed segment, with the new program in the store."""
        segment = _segment(self.new, name)
        rows = members(segment, self.new) if segment is not None else _NOBODY
        engine.execute(make(_will(name), rows), {"now": now})
        tables = {"was": _was(name), "will": _will(name)}
        before, after, enter, leave = engine.rows(query(_COUNTED, **tables))[0]
        assert self.old is not None, "counted against the older program"
        return Entering(
            name,
            before if _segment(self.old, name) is not None else None,
            after if segment is not None else None,
            enter,
            leave,
            tuple(self._examples(engine, query(_FIRST, one=_will(name), other=_was(name)))),
            tuple(self._examples(engine, query(_FIRST, one=_was(name), other=_will(name)))),
        )

    def _examples(self, engine: Engine, asked: Statement) -> Iterator[str]:
        if self.examples:
            yield from (str(id) for (id,) in engine.rows(asked, {"most": self.examples}))

    def _overlaps(self, engine: Engine, now: datetime) -> Iterator[Overlap]:
        for journey, other in self.pairs:
            self.counting = f"{journey} and {other}"
            if self.counting in self.left:
                continue
            one, two = _entry(journey, self.new), _entry(other, self.new)
            if one and two:
                parts = [members(s, self.new) for s in (one[0], two[0])]
                asked = query(_BOTH, one=parts[0], two=parts[1])
                yield Overlap(journey, other, engine.rows(asked, {"now": now})[0][0])
        self.counting = None


_NOBODY = "SELECT c.id FROM customer AS c WHERE FALSE"
_COUNTED = """
SELECT COUNT(b.id), COUNT(n.id), COUNT(*) FILTER (WHERE b.id IS NULL),
  COUNT(*) FILTER (WHERE n.id IS NULL)
FROM {will} AS n FULL JOIN {was} AS b ON b.id = n.id
"""
_FIRST = """
SELECT n.id FROM {one} AS n LEFT JOIN {other} AS b ON b.id = n.id WHERE b.id IS NULL
ORDER BY n.id LIMIT $most
"""
_BOTH = "SELECT COUNT(*) FROM {one} AS a JOIN {two} AS b ON b.id = a.id"


def _was(name: str) -> str:
    return f"plan_was_{name}"


def _will(name: str) -> str:
    return f"plan_will_{name}"


def _segment(program: Program, name: str) -> pg.Segment | None:
    return next((s for s in program.segments if s.name == name), None)


def _entry(journey: str, program: Program) -> list[pg.Segment]:
    """Return the segments by which people enter; the first one stands for the journey."""
    entries = next(j.entries for j in program.journeys if j.name == journey)
    names = [e.segment for e in entries if isinstance(e, pg.SegmentEntry)]
    return [s for s in program.segments if s.name in names]


_OF_DATA = ("profile", "events", "entities", "sources")


def _reads_anew(old: Program, new: Program) -> bool:
    """Tell whether the new program has other tables or fields than those of the last run."""
    return any(canonical(getattr(old, p)) != canonical(getattr(new, p)) for p in _OF_DATA)
