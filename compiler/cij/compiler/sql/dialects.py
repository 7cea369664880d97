"""What a printed statement may be made of, and what other dialects need said differently.

sqlglot translates names and forms; it does not know which of them mean the same everywhere. So
conditions are built of the node types below and no others, each of which was tried on PostgreSQL
or read in golden files: a test fails on any other. What differs is put right here, before printing.
"""

import json
from collections.abc import Callable

from sqlglot import exp

from cij.compiler.sql.parameter_types import PARAMETER_TYPES

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

# What a statement of the plan may be made of besides: rows that are written, tables that are made, and the
# forms below, which each dialect says in its own way.
PLAN_NODE_TYPES: frozenset[type[exp.Expr]] = NODE_TYPES | frozenset(
    (
        *(exp.Insert, exp.Update, exp.Delete, exp.Create, exp.Schema, exp.Properties),
        *(exp.TemporaryProperty, exp.Join, exp.Union, exp.Group, exp.Distinct, exp.WindowSpec),
        *(exp.Div, exp.Mod, exp.DPipe),
        # Lists and objects in JSON, lists in texts, the latest value, text in its normal form.
        *(exp.Explode, exp.FromJson, exp.JSONObject, exp.JSONKeyValue, exp.Split, exp.ArgMax),
        *(exp.RegexpLike, exp.Anonymous),
    )
)
# Functions that sqlglot does not know.
PLAN_FUNCTIONS = frozenset({"NFC_NORMALIZE"})

# How a column is stored: DuckDB's alone, and no part of what a statement means.
PLAINLY = exp.ColumnConstraint(kind=exp.Var(this="USING COMPRESSION uncompressed"))

# Unicode's space separators: what TRIM takes away in DuckDB, and only the blank elsewhere.
_SPACES = "\u0020\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u202f\u205f\u3000"


def portable(tree: exp.Expr, dialect: str) -> exp.Expr:
    """Return the statement in the forms of `dialect`; it is written in those of DuckDB."""
    if dialect == "duckdb":
        return tree
    rewrites, tree = _REWRITES | _BY_DIALECT.get(dialect, {}), tree.copy()
    # Children first: what takes the place of a node holds what has taken theirs.
    for node in reversed([node for node in tree.walk() if type(node) in rewrites]):
        found = rewrites[type(node)](node.copy())
        if node is tree:
            tree = found
        else:
            node.replace(found)
    return tree


def _data_type(node: exp.Expr) -> exp.Expr:
    # Whole numbers of 38 digits have a type of their own in DuckDB alone.
    if node.this == exp.DataType.Type.INT128:
        return exp.DataType.build("DECIMAL(38, 0)", dialect="duckdb")
    # An enum is how DuckDB stores a text of few values.
    return exp.DataType.build("TEXT") if node.this == exp.DataType.Type.ENUM else node


def _trim(node: exp.Expr) -> exp.Expr:
    if node.args.get("expression") is None:
        node.set("expression", exp.Literal.string(_SPACES))
    return node


def _definition(node: exp.Expr) -> exp.Expr:
    node.set("constraints", [c for c in node.args.get("constraints") or () if c != PLAINLY])
    return node


# --- PostgreSQL -------------------------------------------------------------------------------


def _typed(node: exp.Expr) -> exp.Expr:
    """A parameter alone has no type there: `$x IS NULL` would be refused."""
    type = PARAMETER_TYPES.get(node.name)
    return node if type is None else exp.cast(node, exp.DataType.build(type, dialect="duckdb"))


def _made(node: exp.Expr) -> exp.Expr:
    if node.args.get("kind") == "VIEW":
        node.set("exists", False)
        node.set("replace", True)
    elif node.args.get("replace"):
        # The engine drops the older table first, in the same transaction.
        node.set("replace", False)
    return node


def _object(node: exp.Expr) -> exp.Expr:
    # JSON_OBJECT('a': x) is new in PostgreSQL 16.
    pairs = [part for pair in node.expressions for part in (pair.this, pair.expression)]
    return exp.Anonymous(this="JSON_BUILD_OBJECT", expressions=pairs)


def _latest(node: exp.Expr) -> exp.Expr:
    by = exp.Ordered(this=node.expression, desc=True, nulls_first=False)
    ordered = exp.Order(this=node.this, expressions=[by])
    array = exp.Paren(this=exp.ArrayAgg(this=ordered))
    return exp.Bracket(this=array, expressions=[exp.Literal.number(1)], offset=1, safe=True)


def _function(node: exp.Expr) -> exp.Expr:
    if node.name != "NFC_NORMALIZE":
        return node
    return exp.Anonymous(this="NORMALIZE", expressions=[*node.expressions, exp.Var(this="NFC")])


def _parts(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="STRING_TO_ARRAY", expressions=[node.this, node.expression])


def _listed(node: exp.Expr) -> exp.Expr:
    """`UNNEST(FROM_JSON($list, '["BIGINT"]'))` has its own function; other lists are arrays."""
    rows = node.this
    if not isinstance(rows, exp.FromJson):
        return node
    shape = rows.expression
    item = json.loads(shape.name)[0]
    assert isinstance(item, str), "rows are bound by the engine itself"
    text = exp.cast(rows.this, "JSON")
    items = exp.Anonymous(this="JSON_ARRAY_ELEMENTS_TEXT", expressions=[text])
    return exp.cast(items, exp.DataType.build(item, dialect="duckdb"))


Rewrites = dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]]

_BY_DIALECT: dict[str, Rewrites] = {
    "postgres": {
        exp.Anonymous: _function,
        exp.ArgMax: _latest,
        exp.Create: _made,
        exp.Explode: _listed,
        exp.JSONObject: _object,
        exp.Placeholder: _typed,
        exp.Split: _parts,
    }
}

_REWRITES: Rewrites = {
    exp.ColumnDef: _definition,
    exp.DataType: _data_type,
    exp.Trim: _trim,
}
