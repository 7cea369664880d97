"""The parts of a plan. Parameters: `now` the instant of the tick; others are named beside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from sqlglot import exp

from cij.compiler.program import Limit, Schedule
from cij.compiler.sql.moments import Moment
from cij.compiler.sql.outbox import Effect
from cij.compiler.sql.template import Statement

# Statements with the name of what each does, in the order of execution.
Steps = tuple[tuple[str, Statement], ...]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a region takes its people, as expressions over a row `m` of `tick_batch`.

    `state` is that of the passage afterwards; `turn` is None where no loop is touched. `outcome` and
    `cause` are None where no path ends, and null for the rows that go on. `wake_at` and `leaf` are given
    where everybody goes the same way: `wake_at` over a row `q` that has the column `zone`.
    """

    state: exp.Expr
    turn: exp.Expr | None = None
    outcome: exp.Expr | None = None
    cause: exp.Expr | None = None
    ended_at: exp.Expr | None = None
    leaf: int | None = None
    wake_at: exp.Expr | None = None


@dataclass(frozen=True, eq=False)
class RegionPlan:
    """The canonical statements from one root to the next waits and ends, in the order of execution.

    `prepare` looks for winners of splits; `pick` makes the table `tick_batch` of all who are ready at the
    root, with the leaf that each reaches; `effects` write messages, calls and fields; `history` writes one
    row of `move` each; `move` changes the passages; `clear` takes the batch out of `tick_ready`; `wake_again`
    makes those ready who came to a cut, or to a wait that is over already.

    What a strategy may know besides: `destination`; `pick_with`, which returns `pick` with more columns of
    `tick_ready` by name; `has_cuts`, whether some go on in another region at
    once; `keeps_since`, whether the move reads how long a message has been held; `may_be_past`, whether
    somebody may wait for an instant that is past; `sets_fields`, whether the customers are others
    afterwards.
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
    """A rest with conditions. `wake` is for everybody there; who has an event is woken by that.

    `refresh_s` is None where the conditions do not change by the passing of time.
    """

    name: str
    refresh_s: int | None
    somebody: Statement
    wake: Statement


@dataclass(frozen=True, slots=True)
class EntryPlan:
    """One `enter` of a journey.

    `candidates` adds to the table `tick_candidate`, for a journey with a queue in front; `find` adds those
    who may enter to `tick_entered`, where nobody has to wait. Parameters: `round` for events,
    `entered_until` for segments (the instant up to which those who joined have been looked at, or null),
    `opens` and `closes`: the first instant of the journey and that from which on nobody enters.
    """

    segment: str | None
    is_once: bool
    every: Schedule | None
    candidates: Statement
    find: Statement


@dataclass(frozen=True, slots=True)
class AdmitPlan:
    """How people enter. `find` adds those of `tick_candidate` who may enter to `tick_entered`; `count` takes
    as many numbers as were found, its parameter `entered`; `write` gives each a passage, and `wake` makes
    them ready at the start: parameter `first`, the first of those numbers.

    `as_ready` returns the rows of `tick_entered` as rows of `tick_ready`, with more of its columns by name.
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
    """What an event does to the people of one journey, in this order. Parameters: `round`, `event`.

    `leaving` are goals and exits, `waking` the ends of waits. `queue` finds
    those who leave before they are in: each makes `tick_dequeued`.
    """

    event: str
    leaving: tuple[Statement, ...]
    waking: tuple[Statement, ...]
    queue: tuple[Statement, ...]
    entries: tuple[EntryPlan, ...]

    @property
    def reactions(self) -> tuple[Statement, ...]:
        """What happens to those who are inside."""
        return (*self.leaving, *self.waking)


@dataclass(frozen=True, slots=True)
class SharedPlan:
    """What moves people in several journeys of one class at once. Statements are those of a journey,
    with the parameter `versions`: a JSON list of the versions they are for, as numbers."""

    regions: Mapping[str, RegionPlan]
    events: Mapping[str, EventPlan]


class Sharing:
    """Which journeys can share statements. Journeys with the same `key` differ in nothing that moves
    people but their names; those with the same `region_key` go on alike from one root, whatever comes
    before and after. Both are made when they are first asked for.
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

    `timers` has the root to which the timer of each wait leads; `turn` takes from the queue those whose
    turn it is, at most `capacity`; `on_new_data` records goals by condition after a refresh. `zone` is that
    of the journey's calendar; `starts` and `ends` are local to it. `visits` are the rows of the table
    `visit` by path: place, state, why; `effects` those of the table `effect`; `names` are all texts that
    the passages of the journey hold as numbers. `is_keyed` tells that passages have a key (`per`).
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


@dataclass(frozen=True, slots=True)
class SegmentPlan:
    """`refresh_s` is None where the condition does not change by the passing of time.

    `next_change` is for virtual time: see `changes`. `first` fills a segment in which nobody is yet,
    as `somebody` tells. `events` are those that the condition reads;
    `members_active` and `leave_active` look only at those in the table `tick_active`, and are None
    where what they do can change the place of others.
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
    """All of a program. `moments` are the calendar steps that its statements read; with `is_capped`
    a message may leave no room for another, so that it matters who is moved first."""

    program_hash: str
    moments: tuple[Moment, ...]
    segments: dict[str, SegmentPlan]
    journeys: tuple[JourneyPlan, ...]
    events: tuple[str, ...]
    is_capped: bool = False
