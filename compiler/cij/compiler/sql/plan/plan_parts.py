"""The parts of a plan.

All statements have the parameter `now`, the instant of the tick. Other parameters are named at each
part.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from sqlglot import exp

from cij.compiler.program import Limit, Schedule
from cij.compiler.sql.moments import Moment
from cij.compiler.sql.outbox import Effect
from cij.compiler.sql.template import Statement

# Statements in the order of execution, each with the name of what it does.
Steps = tuple[tuple[str, Statement], ...]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a region leads, as expressions over a row `m` of `tick_batch`.

    `state` is the new state of the passage. `turn` is None where no path changes the iteration.
    `outcome`, `cause` and `ended_at` are None where no path ends, and null for rows that go on.
    `leaf` and `wake_at` are given only where all passages take the same path, which lets a strategy omit
    `pick`; `acted_at` where all take their path at the same kind of instant. The last two are over a row
    `q` with the columns `as_of` and `zone`.
    """

    state: exp.Expr
    turn: exp.Expr | None = None
    outcome: exp.Expr | None = None
    cause: exp.Expr | None = None
    ended_at: exp.Expr | None = None
    leaf: int | None = None
    acted_at: exp.Expr | None = None
    wake_at: exp.Expr | None = None


@dataclass(frozen=True, eq=False)
class RegionPlan:
    """The canonical statements from one root to the next waits and ends, in the order of execution.

    - `prepare` chooses winners of splits.
    - `pick` makes the table `tick_batch`: all passages that are ready at the root, with their leaf.
    - `effects` write messages, calls, fields and events.
    - `history` writes one row of `move` for each passage.
    - `move` updates the passages.
    - `clear` removes the batch from `tick_ready`.
    - `wake_again` makes passages ready that reached a cut, or a wait that is over already.

    The other fields are for strategies. `pick_with` returns `pick` with more columns of
    `tick_ready`, by name. `has_cuts` tells whether some passages go on in another region of the
    same tick. `keeps_since` tells whether the move reads the old `since`. `may_be_past` tells
    whether a passage may wait for an instant in the past. `sets_fields` tells whether an effect
    changes customers.
    """

    root: str
    prepare: tuple[Statement, ...]
    pick: Statement
    effects: tuple[Statement, ...]
    history: Statement
    move: Statement
    clear: Statement
    wake_again: tuple[Statement, ...]
    destination: Destination
    pick_with: Callable[[tuple[str, ...]], Statement]
    has_cuts: bool = False
    keeps_since: bool = False
    may_be_past: bool = False
    sets_fields: bool = False

    @property
    def statements(self) -> Steps:
        """Every statement with the name of what it does, in the order of execution."""
        return (
            *(("choose winner", s) for s in self.prepare),
            ("pick", self.pick),
            *(("effect", s) for s in self.effects),
            ("history", self.history),
            ("move", self.move),
            ("clear", self.clear),
            *(("wake again", s) for s in self.wake_again),
        )


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """A wait that ends when one of its conditions holds.

    `wake` tests all passages at the wait, after a refresh or an interval. An event tests its own
    customer (`EventPlan.waking`). `somebody` is cheap and tells whether `wake` has anything to
    test. `refresh_s` is the interval in seconds; None where time alone changes no condition.
    """

    name: str
    refresh_s: int | None
    somebody: Statement
    wake: Statement


@dataclass(frozen=True, slots=True)
class EntryPlan:
    """One `enter` of a journey.

    A journey with a queue uses `candidates`, which adds to `tick_candidate`. Other journeys use
    `find`, which adds the customers who may enter to `tick_entered` directly.

    Parameters: `round` for events; `entered_until` for segments, the instant up to which earlier
    ticks have admitted those who joined, or null; `opens` and `closes`, the first instant of the
    journey and the instant from which no customer enters.

    `keep` runs before both. It keeps the right of members who join and may not enter now; None where the
    entry gives none.
    """

    segment: str | None
    is_once: bool
    every: Schedule | None
    candidates: Statement
    find: Statement
    keep: Statement | None = None


@dataclass(frozen=True, slots=True)
class RightsPlan:
    """How those enter who joined a segment while they could not (S7).

    - `free` makes `tick_right`: the customers who may enter now.
    - `entry` admits them.
    - `use` takes their rights.
    - `stand_back` takes those who have got a right now out of `tick_candidate`.

    `next_free` is the query for the next instant at which a right becomes free; null while that waits for
    the end of a passage.
    """

    free: Statement
    entry: EntryPlan
    use: Statement
    stand_back: Statement
    next_free: Statement


@dataclass(frozen=True, slots=True)
class AdmitPlan:
    """How customers enter, in the order of execution.

    - `find` adds those of `tick_candidate` who may enter to `tick_entered`.
    - `count` reserves numbers of passages. Parameter: `entered`, how many were found.
    - `write` inserts a passage for each. Parameter: `first`, the first reserved number.
    - `wake` makes the passages ready at the start. Parameter: `first`.

    `as_ready` returns the rows of `tick_entered` in the shape of `tick_ready`, with more of its
    columns by name, for strategies that do not write the passages first.
    """

    find: Statement
    count: Statement
    write: Statement
    wake: Statement
    as_ready: Callable[[tuple[str, ...]], exp.Select]

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement, in the order of execution."""
        return (self.find, self.count, self.write, self.wake)


@dataclass(frozen=True, slots=True)
class EventPlan:
    """The reactions of one journey to an event, in the order of execution.

    Parameters: `round`, `event`.

    `leaving` tests goals and exits, which come first (S8). `waking` ends waits. `queue` finds
    customers who leave the queue before they enter; each statement replaces `tick_dequeued`.
    """

    event: str
    leaving: tuple[Statement, ...]
    waking: tuple[Statement, ...]
    queue: tuple[Statement, ...]
    entries: tuple[EntryPlan, ...]

    @property
    def reactions(self) -> tuple[Statement, ...]:
        """The statements for customers who are in the journey already."""
        return (*self.leaving, *self.waking)


@dataclass(frozen=True, slots=True)
class SharedPlan:
    """The statements that move passages of several journeys of one class at once.

    Parameter: `versions`, a JSON list of the numbers of the versions.
    """

    regions: Mapping[str, RegionPlan]
    events: Mapping[str, EventPlan]


class Sharing:
    """Which journeys can share statements.

    Journeys with the same `key` differ only in names and in who may enter. Journeys with the same
    `region_key` have the same region at one root, and may differ before and after it. Both are
    hashes of large trees, so they are computed on first use.
    """

    def __init__(
        self,
        key: Callable[[], str],
        make: Callable[[], SharedPlan],
        region_key: Callable[[str], str],
    ) -> None:
        self._key, self.make, self.region_key = key, make, cache(region_key)

    @cached_property
    def key(self) -> str:
        return self._key()


@dataclass(frozen=True, slots=True)
class JourneyPlan:
    """One version of a journey.

    `timers` maps each wait to the root of its timer. `turn` takes the next customers from the
    queue, at most `capacity` (a parameter). `on_new_data` records goals by condition after a
    refresh. `zone` is the zone of the journey's calendar; `starts` and `ends` are local times in
    it. `visits` are the rows of the table `visit` by path: place, state, why. `effects` are the
    rows of the table `effect`. `names` are all texts that passages of the journey hold as numbers.
    `is_keyed` tells that passages have a key (`per`). `rights` is None where a right to enter is never kept.
    """

    name: str
    version: str
    start: str
    regions: Mapping[str, RegionPlan]
    timers: Mapping[str, str]
    events: Mapping[str, EventPlan]
    entries: tuple[EntryPlan, ...]
    admit: AdmitPlan
    turn: Statement
    on_new_data: tuple[Statement, ...]
    visits: dict[int, list[tuple[int, str, str | None]]]
    effects: tuple[Effect, ...]
    names: tuple[str, ...]
    zone: str
    sharing: Sharing
    is_keyed: bool = False
    limit: Limit | None = None
    starts: str | None = None
    ends: str | None = None
    is_draft: bool = False
    watches: tuple[WatchPlan, ...] = ()
    priority: int = 0
    rights: RightsPlan | None = None


@dataclass(frozen=True, slots=True)
class SegmentPlan:
    """The statements that keep the members of one segment.

    `members` makes `tick_member`; `leave` and `join` bring `segment_member` up to date with it.
    `first` does both at once where the segment has no members, which `somebody` tells.
    `members_active` and `leave_active` are for the customers in `tick_active` only;
    `members_active` is None where an event of one customer can change the membership of others.

    `events` are the events that the condition reads. `refresh_s` is the interval in seconds; None
    where time alone does not change the condition. `next_change` is for virtual time (module
    `next_change`).
    """

    name: str
    refresh_s: int | None
    events: tuple[str, ...]
    next_change: Statement | None
    first: Statement
    somebody: Statement
    members: Statement
    members_active: Statement | None
    leave: Statement
    leave_active: Statement
    join: Statement


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a program.

    `moments` are the calendar steps that its statements read. With `is_capped` one message may take
    the place of another, so the order in which journeys move matters.
    """

    program_hash: str
    moments: tuple[Moment, ...]
    segments: dict[str, SegmentPlan]
    journeys: tuple[JourneyPlan, ...]
    events: tuple[str, ...]
    is_capped: bool = False
