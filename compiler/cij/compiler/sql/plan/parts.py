"""The parts of a plan. Parameters: `now` the instant of the tick; others are named beside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from cij.compiler.program import Limit, Schedule
from cij.compiler.sql.moments import Moment
from cij.compiler.sql.outbox import Effect
from cij.compiler.sql.template import Statement

# Statements with the name of what each does, in the order of execution.
Steps = tuple[tuple[str, Statement], ...]


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """From one root to the next rests and ends, in this order.

    `prepare` looks for winners of splits, `pick` makes the table `tick_batch` of all woken at the root;
    `wake_again` wakes those who came to a cut, or to a rest whose interaction has happened already.
    `note` puts into the table `tick_move` where people go, for one move of several regions; None where
    people have to be moved at once. With `sets_fields` the customers are others behind it.
    `entering` is for those who are newly inside, whose passages are not written yet; None where
    something on the way asks for them. `due` is for those whose time has come at one rest, the
    parameter `rest`, while nobody else is woken; nothing where journeys share a region.
    """

    root: str
    prepare: tuple[Statement, ...]
    pick: Statement
    effects: tuple[Statement, ...]
    history: Statement
    move: Statement
    clear: Statement
    wake_again: tuple[Statement, ...]
    note: Statement | None = None
    entering: "EnteringPlan | None" = None
    due: Steps = ()
    sets_fields: bool = False

    @property
    def noting(self) -> Steps:
        """The same with `note` in the place of the move, where there is one."""
        return self._instead({"move": self.note or self.move})

    def settling(self, *, at_once: bool) -> Steps:
        """The same for those who are newly inside; `at_once` where nobody else has moved since."""
        assert self.entering is not None, "their passages have to be written first"
        return self.entering.at_once if at_once and self.entering.at_once else self.entering.steps

    def _instead(self, others: Mapping[str, Statement]) -> Steps:
        return tuple((name, others.get(name, statement)) for name, statement in self.statements)

    @property
    def statements(self) -> Steps:
        """Every statement with the name of what it does, in the order of execution."""
        effects = tuple(("effect", s) for s in self.effects)
        again = tuple(("wake again", s) for s in self.wake_again)
        return (
            *(("choose winner", s) for s in self.prepare),
            ("pick", self.pick),
            *effects,
            ("history", self.history),
            ("move", self.move),
            ("clear", self.clear),
            *again,
        )


@dataclass(frozen=True, slots=True)
class EnteringPlan:
    """How those who are newly inside go through the first region, with the parameter of `AdmitPlan`:
    they are picked, and each gets a passage where he has come to. Where the region asks nothing of
    anybody `at_once` does the same without `tick_batch`, as long as nobody else has moved since they came
    in.
    """

    steps: Steps
    at_once: Steps = ()


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
    """`candidates` adds to the table `tick_candidate`; parameter `round` for events, `entered_until` for
    segments: the instant up to which those who joined have been looked at, or null. `opens` and
    `closes` are the first instant of the journey and that from which on nobody enters. `find` makes
    `tick_entered` of them with no table between, where nobody has to wait; `find_all` does so of all
    who are in the segment, at the instant of a look at everybody.
    """

    segment: str | None
    is_once: bool
    every: Schedule | None
    candidates: Statement
    find: Statement
    find_all: Statement | None = None


@dataclass(frozen=True, slots=True)
class AdmitPlan:
    """How those of `tick_candidate` come in. `find` makes the table `tick_entered`; `count` gives numbers
    to as many as were found, its parameter `entered`; `write` gives each a passage, and `wake` has
    them go on from the start: parameter `first`, the first of those numbers.
    """

    find: Statement
    count: Statement
    write: Statement
    wake: Statement

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
class FormPlan:
    """What moves those in several journeys of one form, all at once. Statements are those of a
    journey, with the parameter `versions`: a JSON list of whose passages they are for, by number."""

    regions: Mapping[str, RegionPlan]
    events: Mapping[str, EventPlan]


class Form:
    """Journeys of one form differ in nothing that moves people but their names. `key` tells which;
    `region_key` those that go on alike from one root, whatever comes before and after.
    """

    def __init__(
        self,
        key: Callable[[], str],
        make: Callable[[], FormPlan],
        region_key: Callable[[str], str],
    ) -> None:
        self._key, self.make, self.region_key = key, make, cache(region_key)

    @cached_property
    def key(self) -> str:
        return self._key()


@dataclass(frozen=True, slots=True)
class JourneyPlan:
    """One version of a journey. `timers` says to which root the timer of a rest leads; `turn` finds
    those of the queue whose turn it is, `capacity` of them at most; `on_new_data` records goals by
    condition after a refresh.

    `zone` is that of its calendar; `starts` and `ends` are local to it. `visits` are the rows of the
    table `visit` by path: place, state, why; `effects` those of the table `effect`; `names` are all
    that the passages of the journey say by number.
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
    form: Form
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
