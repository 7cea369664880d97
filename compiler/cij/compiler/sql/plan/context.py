"""What the statements of one journey share: names, scopes and joins."""

from dataclasses import dataclass, replace

from pydantic import BaseModel
from sqlglot import exp

from cij.compiler import expression as ex, program as pg
from cij.compiler.sql.columns import column
from cij.compiler.sql.interning import numbered, text_of
from cij.compiler.sql.parameters import list_of
from cij.compiler.sql.plan.governing import Rules
from cij.compiler.sql.scope import Catalog, Scope
from cij.compiler.sql.template import fill
from cij.compiler.walk import walk

# The name is part of the hash of a version, so a version alone identifies the journey.
_ANY_OF = "{version} IN ({versions})"

_VERSIONS = list_of("versions", "BIGINT")

_KEY = "CONCAT({head}, CAST({passage} AS TEXT), {middle}, CAST({turn} AS TEXT))"


@dataclass(frozen=True, slots=True)
class Context:
    """One journey of one program, under the rules of the newest program.

    With `is_shared` it represents all journeys of its class (`sharing`). Statements are then for
    the versions in the parameter `versions`, and they read the name of a journey from the rows.
    """

    program: pg.Program
    journey: pg.Journey
    catalog: Catalog
    rules: Rules
    is_shared: bool = False

    @property
    def scope(self) -> Scope:
        """The scope in which `c` is the customer and `trigger_E` the entering event."""
        names = {f.name for f in self.program.profile.fields}
        return Scope(
            self.catalog,
            customer="c",
            journey_zone=self.journey.timezone,
            has_own_zone="timezone" in names,
            passage="p",
        )

    def scope_of(self, row: str, turn: exp.Expr) -> Scope:
        """Return the scope of a passage whose row is `row` and whose iteration is `turn`."""
        return replace(self.scope, passage=row, turn=turn)

    @property
    def names(self) -> dict[str, exp.Expr]:
        """The values of the holes `{journey}` and `{version}` of templates, as texts."""
        assert not self.is_shared, "journeys that share statements have no name in common"
        return {"journey": text(self.journey.name), "version": text(self.journey.version)}

    @property
    def numbers(self) -> dict[str, exp.Expr]:
        """The same holes, for tables that hold names as numbers."""
        assert not self.is_shared, "journeys that share statements have no name in common"
        journey = self.journey
        return {"journey": numbered(journey.name), "version": numbered(journey.version)}

    def numbers_of(self, row: str) -> dict[str, exp.Expr]:
        """Return the holes as numbers, where `row` is a passage of the journey."""
        if not self.is_shared:
            return self.numbers
        return {"journey": column(row, "journey"), "version": column(row, "version")}

    def names_of(self, row: str) -> dict[str, exp.Expr]:
        """Return the holes as texts, where `row` is a passage of the journey."""
        if not self.is_shared:
            return self.names
        return {name: text_of(number) for name, number in self.numbers_of(row).items()}

    def inside(self, row: str) -> exp.Expr:
        """Return the condition that `row` is a passage of the journey in this version."""
        if self.is_shared:
            return fill(_ANY_OF, version=column(row, "version"), versions=_VERSIONS)
        return column(row, "version").eq(self.numbers["version"])

    def naming(self, rows: exp.Expr, row: str) -> exp.Expr:
        """Add the columns of the journey and version to `rows`, where journeys share a
        statement."""
        if self.is_shared:
            assert isinstance(rows, exp.Select)
            for name, tree in self.numbers_of(row).items():
                rows.append("expressions", exp.alias_(tree, name, quoted=True))
        return rows

    def key(self, step: str, passage: exp.Expr, turn: exp.Expr, row: str) -> exp.Expr:
        """Return the key of an effect: journey, passage, step and iteration (S19).

        It is unique without an index, because a move and its effects commit together. `row` is a
        passage of the journey.
        """
        head = text(f"{self.journey.name}:")
        if self.is_shared:
            head = fill("CONCAT({journey}, ':')", journey=self.names_of(row)["journey"])
        return fill(_KEY, head=head, middle=text(f":{step}:"), passage=passage, turn=turn)

    def event(self, name: str) -> pg.Event:
        return next(e for e in self.program.events if e.name == name)

    def message(self, name: str) -> pg.Message:
        return next(m for m in self.program.messages if m.name == name)

    def action(self, name: str) -> pg.Action:
        return next(a for a in self.program.actions if a.name == name)

    def topic(self, name: str) -> pg.Topic:
        return next(t for t in self.program.topics if t.name == name)

    def with_triggers(self, query: exp.Expr, row: str, *nodes: object) -> exp.Expr:
        """Join the row of the entering event to `query`, if any of `nodes` reads from it.

        `row` is the alias of the row whose `trigger` is the number of that event. The join is an
        outer one, because a passage may have entered by another event or from a segment.
        """
        for name in self.trigger_events(*nodes):
            join = fill(
                "SELECT 1 FROM x LEFT JOIN {t} AS {a} ON {b}.seq = {row}.trigger",
                t=f"event_{name}",
                a=f"trigger_{name}",
                b=f"trigger_{name}",
                row=row,
            )
            for found in join.args["joins"]:
                query.append("joins", found.copy())
        return query

    def trigger_events(self, *nodes: object) -> list[str]:
        """Return the names of entering events that expressions read, each once."""
        found: dict[str, None] = {}
        for node in nodes:
            if isinstance(node, BaseModel):
                for part in walk(node):
                    if isinstance(part, ex.TriggerField):
                        found |= dict.fromkeys(part.events)
        return list(found)


def text(value: str) -> exp.Expr:
    """Return a text constant."""
    return exp.Literal.string(value)


def texts(values: list[str]) -> list[exp.Expr]:
    return [text(v) for v in values]


def either(conditions: list[exp.Expr]) -> exp.Expr:
    """Return the disjunction of conditions. Without conditions it is false."""
    return exp.or_(*conditions, copy=False) if conditions else exp.false()


def all_of(conditions: list[exp.Expr]) -> exp.Expr:
    """Return the conjunction of conditions. Without conditions it is true."""
    return exp.and_(*conditions, copy=False) if conditions else exp.true()


def in_numbers(column: exp.Expr, numbers: list[int]) -> exp.Expr:
    """Return `column IN (1, 2, …)`."""
    return exp.In(this=column, expressions=[exp.Literal.number(n) for n in numbers])
