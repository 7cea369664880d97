"""Statements from text with holes.

    query("SELECT id FROM customer AS c WHERE {condition} AND c.at <= $now", condition=tree)

The text is in DuckDB's dialect. A hole `{name}` is an expression, a table or an identifier. It is
filled with a tree and never with text, so that no name or value can change the statement. `$name`
is a parameter that is bound when the statement runs.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import sqlglot
from sqlglot import exp

from cij.compiler.sql.dialects import portable
from cij.compiler.sql.parameter_types import PARAMETER_TYPES

# A hole becomes an identifier with this prefix, so that the parser reads the text as plain SQL.
_HOLE = re.compile(r"\{(\w+)\}")
_MARK = "hole__"


@dataclass(frozen=True, slots=True)
class Making:
    """What a statement makes.

    Attributes:
        is_scratch: whether it belongs to the connection.
        is_anew: whether it replaces an older one.
        reads: the tables of its query; None where it is empty at first.
    """

    is_view: bool
    is_scratch: bool
    is_anew: bool
    reads: frozenset[str] | None


class Statement:
    """One statement.

    Its texts are cached by dialect, because printing takes longer than most statements.

    The tree must not be changed after its first use, because texts and variants are derived from
    it.
    """

    __slots__ = (
        "_bound",
        "_make",
        "_parameters",
        "_tables",
        "_texts",
        "_tree",
        "_variants",
        "_writes",
    )

    def __init__(
        self, tree: exp.Expr | None, make: "Callable[[], Statement] | None" = None
    ) -> None:
        self._tree, self._make = tree, make
        self._parameters: frozenset[str] | None = None
        self._tables: frozenset[str] | None = None
        self._writes: str | None = None
        self._texts: dict[tuple[str, bool], str] = {}
        self._bound: dict[tuple[str, bool, frozenset[str]], tuple[str, tuple[str, ...]]] = {}
        self._variants: dict[Hashable, Statement | None] = {}

    @classmethod
    def later(cls, make: "Callable[[], Statement]") -> "Statement":
        """Return the statement that `make` returns. It is made on first use."""
        return cls(None, make)

    @property
    def tree(self) -> exp.Expr:
        if self._tree is None:
            assert self._make is not None, "a statement has a tree, or knows how to make one"
            self._tree, self._make = self._make().tree, None
        return self._tree

    @property
    def parameters(self) -> frozenset[str]:
        """The names of its parameters."""
        if self._parameters is None:
            found = self.tree.find_all(exp.Placeholder)
            self._parameters = frozenset(str(p.this) for p in found)
        return self._parameters

    @property
    def tables(self) -> frozenset[str]:
        """The names of all tables and named queries in it."""
        if self._tables is None:
            self._tables = frozenset(table.name for table in self.tree.find_all(exp.Table))
        return self._tables

    @property
    def writes(self) -> str | None:
        """The name of the table that it makes or changes; None for a query."""
        if self._writes is None:
            self._writes = _target(self.tree)
        return self._writes or None

    @property
    def is_change_of_rows(self) -> bool:
        """Tell whether it changes rows, so that it has no effect where it finds none."""
        return isinstance(self.tree, (exp.Insert, exp.Update, exp.Delete))

    @property
    def is_insert(self) -> bool:
        """Tell whether it adds rows.

        The count that the engine returns is then the number of new rows.
        """
        return isinstance(self.tree, exp.Insert)

    @property
    def making(self) -> Making | None:
        """What it makes; None for all statements but `CREATE`."""
        if not isinstance(self.tree, exp.Create):
            return None
        rows = self.tree.expression
        is_query = isinstance(rows, exp.Query)
        return Making(
            is_view=self.tree.args.get("kind") == "VIEW",
            is_scratch=self.tree.find(exp.TemporaryProperty) is not None,
            is_anew=bool(self.tree.args.get("replace")),
            reads=frozenset(t.name for t in rows.find_all(exp.Table)) if is_query else None,
        )

    @property
    def is_drop(self) -> bool:
        """Tell whether it removes a table."""
        return isinstance(self.tree, exp.Drop)

    def variant(
        self, key: Hashable, make: "Callable[[exp.Expr], exp.Expr | None]"
    ) -> "Statement | None":
        """Return the statement whose tree `make` returns; None where it returns None.

        The result is cached by `key`, so `make` has to be a function of the tree and the key.
        """
        if key not in self._variants:
            tree = make(self.tree)
            self._variants[key] = None if tree is None else Statement(tree)
        return self._variants[key]

    def over(self, tables: Mapping[str, str]) -> "Statement":
        """Return the statement that reads other tables.

        `{"customer c": "tick_ws_customer"}` replaces every `customer AS c`. A table without an
        alias stays, so the target of the statement stays too.
        """
        key = ("over", *sorted(tables.items()))
        found = self.variant(key, lambda tree: _over(tree.copy(), tables))
        assert found is not None, "it does what the statement does"
        return found

    def from_rows(self, table: str, rows: exp.Expr) -> "Statement":
        """Return the statement that reads the query `rows` in place of every `table AS x`."""
        tree = self.tree.copy()
        for found in [t for t in tree.find_all(exp.Table) if t.name == table and t.alias]:
            found.replace(exp.Subquery(this=rows.copy(), alias=found.args["alias"].copy()))
        return Statement(tree)

    def as_insert(self, table: str) -> "Statement":
        """Return the statement that inserts the rows of this `CREATE TABLE AS` into `table`, by
        name."""
        assert isinstance(self.tree, exp.Create), "it makes a table of a query"
        rows = self.tree.expression
        columns = [exp.to_identifier(each.alias_or_name, quoted=True) for each in rows.expressions]
        target = exp.Schema(this=exp.to_table(table), expressions=columns)
        return Statement(exp.Insert(this=target, expression=rows.copy()))

    def text(self, dialect: str = "duckdb", *, pretty: bool = False) -> str:
        """Return the SQL for `dialect`.

        All identifiers are quoted, since names may be reserved words.
        """
        key = (dialect, pretty)
        if key not in self._texts:
            tree = portable(self.tree, dialect)
            self._texts[key] = tree.sql(dialect, identify=True, pretty=pretty)
        return self._texts[key]

    def bound_text(
        self, dialect: str, nulls: frozenset[str] = frozenset()
    ) -> tuple[str, tuple[str, ...]]:
        """Return the SQL with the parameters `$1`, `$2`, and the name of each.

        A driver gives the type of a value, so only parameters that are null are cast.
        """
        return self._numbered(self.tree, dialect, nulls)

    def query_text(self, dialect: str, nulls: frozenset[str] = frozenset()) -> str:
        """Return the query of a `CREATE TABLE AS`. Its parameters have the numbers of `bound_text`."""
        return self._numbered(self.tree.expression, dialect, nulls)[0]

    def _numbered(
        self, tree: exp.Expr, dialect: str, nulls: frozenset[str]
    ) -> tuple[str, tuple[str, ...]]:
        key = (dialect, tree is self.tree, nulls)
        if key not in self._bound:
            # A tree of its own, because the parameters in it are replaced.
            made = portable(tree, dialect).copy()
            names = _number_parameters(made, nulls)
            self._bound[key] = made.sql(dialect, identify=True, copy=False), names
        return self._bound[key]


def _number_parameters(tree: exp.Expr, nulls: frozenset[str]) -> tuple[str, ...]:
    names: dict[str, int] = {}
    # The list is complete before the first replacement, because that changes the tree.
    for node in list(tree.find_all(exp.Placeholder)):
        name = str(node.this)
        number = names.setdefault(name, len(names) + 1)
        is_cast = name in PARAMETER_TYPES and isinstance(node.parent, exp.Cast)
        hole = node.parent if is_cast and name not in nulls and node.parent else node
        hole.replace(exp.Parameter(this=exp.Literal.number(number)))
    return tuple(names)


def _over(tree: exp.Expr, tables: Mapping[str, str]) -> exp.Expr:
    for table in tree.find_all(exp.Table):
        other = tables.get(f"{table.name} {table.alias}")
        if other is not None:
            table.set("this", exp.to_identifier(other, quoted=True))
    return tree


def _target(tree: exp.Expr) -> str:
    """Return the name of the table that a statement makes or changes; empty for a query."""
    if isinstance(tree, exp.Query):
        return ""
    target = tree.this if isinstance(tree.this, exp.Expr) else tree
    found = target.find(exp.Table)
    assert found is not None, f"a statement writes to a table: {tree.sql('duckdb')}"
    return str(found.name)


def query(text: str, /, **holes: exp.Expr | str) -> Statement:
    """Return the statement of `text` with its holes filled. A `str` becomes a quoted identifier."""
    return Statement(fill(text, **holes))


def fill(text: str, /, **holes: exp.Expr | str) -> exp.Expr:
    """Return the tree of `text`, a statement or an expression, with its holes filled."""
    tree = _parsed(text).copy()
    trees = {
        k: exp.to_identifier(v, quoted=True) if isinstance(v, str) else v for k, v in holes.items()
    }
    return tree.transform(_filler(trees), copy=False) if holes else tree


@lru_cache(maxsize=2048)
def _parsed(text: str) -> exp.Expr:
    marked = _HOLE.sub(lambda m: _MARK + m.group(1), text)
    tree = sqlglot.parse_one(marked, read="duckdb")
    assert tree is not None, f"an SQL template is empty: {text}"
    return _without_positions(tree)


def _without_positions(tree: exp.Expr) -> exp.Expr:
    """Return the same tree without the places of its names in the text.

    Nobody reads the places, and to copy them takes two thirds of the time of copying a tree.
    """
    return type(tree)(**{key: _each_without(value) for key, value in tree.args.items()})


def _each_without(value: object) -> object:
    if isinstance(value, list):
        return [_each_without(each) for each in value]
    return _without_positions(value) if isinstance(value, exp.Expr) else value


def _filler(trees: Mapping[str, exp.Expr]) -> Callable[[exp.Expr], exp.Expr]:
    def visit(node: exp.Expr) -> exp.Expr:
        name = _hole_of(node)
        if name is None:
            return node
        tree = trees[name].copy()
        if isinstance(node, exp.Identifier):
            assert isinstance(tree, exp.Identifier), f"hole {name} takes an identifier"
        alias = node.args.get("alias")
        # The replacement of a hole is not visited again, so the alias of the hole is filled here.
        return _put(node, tree, alias.transform(visit) if alias else None)

    return visit


def _hole_of(node: exp.Expr) -> str | None:
    # A column or table that is only a hole takes any tree. In a dotted name or as an alias only an
    # identifier fits, and the hole is visited as one.
    if isinstance(node, (exp.Column, exp.Table)) and len(node.parts) == 1:
        text = node.name
    elif isinstance(node, exp.Identifier):
        text = str(node.this)
    else:
        return None
    return text[len(_MARK) :] if text.startswith(_MARK) else None


def _put(hole: exp.Expr, tree: exp.Expr, alias: exp.Expr | None) -> exp.Expr:
    if isinstance(hole, exp.Column) and isinstance(tree, exp.Identifier):
        return exp.Column(this=tree)
    if not isinstance(hole, exp.Table):
        return exp.Paren(this=tree) if _needs_parentheses(hole, tree) else tree
    table = exp.Table(this=tree) if isinstance(tree, exp.Identifier) else tree
    if isinstance(table, exp.Query) and not isinstance(table, exp.Subquery):
        table = exp.Subquery(this=table)
    if alias is not None:
        table.set("alias", alias)
    return table


def _needs_parentheses(hole: exp.Expr, tree: exp.Expr) -> bool:
    # A tree keeps its meaning, but its printed text would bind differently: `a OR b` in `{x} AND
    # c`.
    return (
        isinstance(hole, exp.Column)
        and isinstance(tree, (exp.Binary, exp.Not, exp.In))
        and isinstance(hole.parent, (exp.Binary, exp.Cast, exp.Unary, exp.In))
    )
