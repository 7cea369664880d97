"""What a printed statement may be made of, and what other dialects need said differently.

sqlglot translates names and forms; it does not know which of them mean the same everywhere. So
conditions are built of the node types below and no others, each of which was tried on PostgreSQL
or read in golden files: a test fails on any other. What differs is put right here, before printing.
"""

from collections.abc import Callable

from sqlglot import exp

NODE_TYPES: frozenset[type[exp.Expr]] = frozenset(
    (
        # queries
        *(exp.Select, exp.From, exp.Where, exp.Table, exp.TableAlias, exp.Alias, exp.Subquery),
        *(exp.Order, exp.Ordered, exp.Limit, exp.Window, exp.RowNumber, exp.Exists, exp.Star),
        # names and values
        *(exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Placeholder),
        *(exp.Cast, exp.DataType, exp.DataTypeParam, exp.Interval, exp.Var, exp.Paren),
        # conditions
        *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE),
        *(exp.Is, exp.In, exp.RegexpLike, exp.StrPosition),
        # choices
        *(exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Greatest),
        # numbers: a quotient is `//` of whole numbers, see `exact`
        *(exp.Add, exp.Sub, exp.Mul, exp.IntDiv, exp.Neg, exp.Abs, exp.Round, exp.Ceil),
        *(exp.Count, exp.Sum, exp.Min, exp.Max, exp.Extract),
        # texts
        *(exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Concat, exp.Substring, exp.MD5),
        exp.Replace,
    )
)

# How a column is stored: DuckDB's alone, and no part of what a statement means.
PLAINLY = exp.ColumnConstraint(kind=exp.Var(this="USING COMPRESSION uncompressed"))

# Unicode's space separators: what TRIM takes away in DuckDB, and only the blank elsewhere.
_SPACES = "\u0020\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u202f\u205f\u3000"


def portable(tree: exp.Expr, dialect: str) -> exp.Expr:
    """Return the statement as `dialect` has to be told it; DuckDB's is the form it is written in."""
    if dialect == "duckdb":
        return tree
    return tree.transform(lambda node: _REWRITES.get(type(node), _same)(node))


def _same(node: exp.Expr) -> exp.Expr:
    return node


def _data_type(node: exp.Expr) -> exp.Expr:
    # Whole numbers of 38 digits have a type of their own in DuckDB alone.
    if node.this == exp.DataType.Type.INT128:
        return exp.DataType.build("DECIMAL(38, 0)", dialect="duckdb")
    return node


def _trim(node: exp.Expr) -> exp.Expr:
    if node.args.get("expression") is None:
        node.set("expression", exp.Literal.string(_SPACES))
    return node


def _definition(node: exp.Expr) -> exp.Expr:
    node.set("constraints", [c for c in node.args.get("constraints") or () if c != PLAINLY])
    return node


_REWRITES: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.ColumnDef: _definition,
    exp.DataType: _data_type,
    exp.Trim: _trim,
}
