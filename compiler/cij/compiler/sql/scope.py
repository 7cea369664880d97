"""The scope of an expression: the row from which each kind of name is read."""

from dataclasses import dataclass, field, replace

from sqlglot import exp

from cij.compiler.program import Measure, Program, Segment, Source, Topic


@dataclass(frozen=True, slots=True)
class Catalog:
    """The declarations that an expression may refer to by name, besides columns."""

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
    """The aliases of the rows that an expression can read; None where there is no such row.

    `customer` is a row with all columns of the table `customer`, also `id` and `zone`. `depth`
    counts the aggregates around the expression, so that their aliases differ. `journey_zone` is the
    zone of the journey, for customers whose own zone is unknown (S4). `has_own_zone` tells whether
    customers have a field `timezone`. A row of a source has the zone of the source and no customer.
    `passage` is a row of `passage_row` or of a batch, and `turn` is its iteration. `instant` is what
    `now` means: the instant of the tick, or the own instant of a row (S12).
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
    instant: exp.Expr = field(default_factory=lambda: exp.Placeholder(this="now"))

    @staticmethod
    def source(alias: str, source: Source) -> "Scope":
        """Return the scope of a source's filter or mapping: its columns, in the zone of the
        source."""
        return Scope(source_alias=alias, journey_zone=source.timezone)

    def with_before(self, alias: str) -> "Scope":
        """Return this scope with the row of a source's record before its change."""
        return replace(self, before_alias=alias)

    def inside_aggregate(self) -> "Scope":
        """Return this scope inside an aggregate, whose event row has an alias of its own."""
        return replace(self, event=f"e{self.depth + 1}", depth=self.depth + 1)

    def as_of(self, row: str) -> "Scope":
        """Return this scope as of the own instant of a row, its column `as_of` (S12)."""
        return replace(self, instant=exp.column("as_of", row, quoted=True))

    def with_event(self, alias: str) -> "Scope":
        """Return this scope with the event row that a pattern tests."""
        return replace(self, event=alias)
