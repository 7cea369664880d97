"""Columns of the store: the SQL type of each type of value, and lists of columns.

Instants are timestamps in UTC without a zone. Amounts, numbers and shares are exact decimals (S30).
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from sqlglot import exp

from cij.compiler.sql.dialects import PLAINLY
from cij.compiler.sql.template import Statement, fill
from cij.compiler.types import Kind, Type

# Of a decimal: 28 digits before the point and 10 behind it, the most that every engine keeps.
DECIMAL_DIGITS, DECIMAL_PLACES = 38, 10
_DECIMAL = f"DECIMAL({DECIMAL_DIGITS}, {DECIMAL_PLACES})"

SQL_TYPES: dict[Kind, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "decimal": _DECIMAL,
    "money": _DECIMAL,
    "percent": _DECIMAL,
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "time": "TIME",
    "duration": "BIGINT",
    "list": "VARCHAR",
    "entity": "VARCHAR",
}


def cast(tree: exp.Expr, type: Type) -> exp.Expr:
    """Return the value as the type of its column.

    Text becomes NFC, and empty text becomes null (S3).
    """
    if type.kind == "text":
        return fill("NULLIF(NFC_NORMALIZE(CAST({a} AS VARCHAR)), '')", a=tree)
    return fill(f"CAST({{a}} AS {SQL_TYPES[type.kind]})", a=tree)


def named(tree: exp.Expr, name: str) -> exp.Expr:
    """Return the expression under a name."""
    return exp.alias_(tree, name, quoted=True)


def column(table: str, name: str) -> exp.Expr:
    """Return a column of a table or alias."""
    return exp.column(exp.to_identifier(name, quoted=True), exp.to_identifier(table, quoted=True))


def literal(text: str) -> exp.Expr:
    """Return a text constant of the program."""
    return exp.Literal.string(text)


def number(value: int) -> exp.Expr:
    """Return a whole number of the program."""
    return exp.convert(value)


def select(columns: Sequence[exp.Expr], text: str, /, **holes: exp.Expr | str) -> exp.Expr:
    """Return the query `text` with `columns` in place of the `1` that it selects."""
    tree = fill(text, **holes)
    tree.set("expressions", list(columns))
    return tree


def create(table: str, columns: Sequence[tuple[str, str]]) -> Statement:
    """Return the statement that makes an empty table unless it exists.

    `columns` are (name, SQL type).
    """
    tree = fill("CREATE TABLE IF NOT EXISTS {t} (x BIGINT)", t=table)
    tree.this.set("expressions", [definition(name, type) for name, type in columns])
    return Statement(tree)


def stored_plainly(statement: Statement, *names: str) -> Statement:
    """Return the statement that makes a table, with these columns stored uncompressed.

    Where nearly all texts differ, compression saves nothing and takes most of the time of an
    insert.
    """
    tree = statement.tree.copy()
    for definition in tree.find_all(exp.ColumnDef):
        if definition.name in names:
            definition.append("constraints", PLAINLY.copy())
    return Statement(tree)


def migrate(
    table: str, columns: Sequence[tuple[str, str]], there: Mapping[str, str]
) -> list[Statement]:
    """Return the statements that bring a table with the columns `there` (name to type) up to date.

    No column is dropped, because an older version of a journey may still read it (S31). A value
    that does not fit its new type becomes null.
    """
    found = []
    for name, type in columns:
        kind = _parsed(type)
        if name not in there:
            tree = fill("ALTER TABLE {t} ADD COLUMN {c} BIGINT", t=table, c=name)
            found.append(_with_type(tree, kind))
        elif _parsed(there[name]) != kind:
            text = "ALTER TABLE {t} ALTER COLUMN {c} SET DATA TYPE BIGINT USING TRY_CAST({c} AS BIGINT)"
            found.append(_with_type(fill(text, t=table, c=name), kind))
    return found


def _with_type(tree: exp.Expr, kind: exp.Expr) -> Statement:
    # The list is complete before the first replacement, because that changes the tree.
    for node in list(tree.find_all(exp.DataType)):
        node.replace(kind.copy())
    return Statement(tree)


def all_of(conditions: Sequence[exp.Expr]) -> exp.Expr:
    """Return the conjunction of conditions. Without conditions it is true."""
    return exp.and_(*conditions, copy=False) if conditions else exp.true()


def definition(name: str, type: str) -> exp.Expr:
    """Return the definition of a column for `CREATE TABLE`."""
    return exp.ColumnDef(this=exp.to_identifier(name, quoted=True), kind=_parsed(type).copy())


@lru_cache(maxsize=256)
def _parsed(type: str) -> exp.Expr:
    """Return the tree of a type. It is shared: copy it before it becomes a part of another tree."""
    return exp.DataType.build(type, dialect="duckdb")
