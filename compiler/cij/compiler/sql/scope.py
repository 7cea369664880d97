"""Which row each kind of name is read from, while an expression becomes SQL."""

from dataclasses import dataclass, field, replace

from sqlglot import exp

from cij.compiler.program import Measure, Program, Segment, Source, Topic


@dataclass(frozen=True, slots=True)
class Catalog:
    """What an expression may refer to by name, besides columns."""

    measures: dict[str, Measure] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)
    topics: dict[str, Topic] = field(default_factory=dict)

    @staticmethod
    def of(program: Program) -> "Catalog":
        return Catalog(
            {m.name: m for m in program.measures},
            {s.name: s for s in program.segments},
            {t.name: t for t in program.topics},
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """Aliases of the rows in reach; None where there is no such row.

    `customer` is a row with all columns of the table `customer`, so also `id` and `zone`.
    `depth` counts the aggregates around, so that their aliases differ. `journey_zone` is the zone
    of the journey for customers whose own is not known (S4); `has_own_zone` when customers have one.
    A row of a source has the zone of the source, and no customer.
    `passage` is the row of a passage, or of one that moves, in the turn `turn`.
    """

    catalog: Catalog = field(default_factory=Catalog)
    customer: str | None = None
    event: str | None = None
    source_alias: str | None = None
    before_alias: str | None = None
    trigger_prefix: str = "trigger_"
    depth: int = 0
    journey_zone: str | None = None
    has_own_zone: bool = False
    passage: str | None = None
    turn: exp.Expr | None = None

    @staticmethod
    def source(alias: str, source: Source) -> "Scope":
        """Return the scope of a source's filter or mapping: its columns, in its own zone."""
        return Scope(source_alias=alias, journey_zone=source.timezone)

    def with_before(self, alias: str) -> "Scope":
        """Return this scope with the row that a source's record was before."""
        return replace(self, before_alias=alias)

    def inside_aggregate(self) -> "Scope":
        """Return this scope with one more event row, that of an aggregate."""
        return replace(self, event=f"e{self.depth + 1}", depth=self.depth + 1)

    def with_event(self, alias: str) -> "Scope":
        """Return this scope with the event row that a pattern looks at."""
        return replace(self, event=alias)
