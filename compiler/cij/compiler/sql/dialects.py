"""The node types that statements may contain, and the rewrites for other dialects.

sqlglot translates names and syntax. It does not know which forms have the same meaning in all
engines. So conditions contain only the node types below. Each was tried on PostgreSQL or checked in
golden files, and a test fails on any other. Forms that differ are rewritten here before printing.
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
        *(
            exp.Distinct,
            exp.And,
            exp.Or,
            exp.Not,
            exp.EQ,
            exp.NEQ,
            exp.LT,
            exp.LTE,
            exp.GT,
            exp.GTE,
        ),
        *(exp.Is, exp.In, exp.RegexpLike, exp.StrPosition),
        # choices
        *(exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least),
        # numbers: a quotient is `//` of whole numbers, see `exact`
        *(exp.Add, exp.Sub, exp.Mul, exp.IntDiv, exp.Mod, exp.Neg, exp.Abs, exp.Round, exp.Ceil),
        *(exp.Count, exp.Sum, exp.Min, exp.Max, exp.Extract),
        # texts
        *(
            exp.Lower,
            exp.Upper,
            exp.Trim,
            exp.Length,
            exp.DPipe,
            exp.Concat,
            exp.Substring,
            exp.MD5,
        ),
        exp.Replace,
    )
)

# Statements of the plan may also write rows and make tables, and may contain the forms below, for
# which each dialect has its own syntax.
PLAN_NODE_TYPES: frozenset[type[exp.Expr]] = NODE_TYPES | frozenset(
    (
        *(exp.Insert, exp.Update, exp.Delete, exp.Create, exp.Schema, exp.Properties),
        *(exp.TemporaryProperty, exp.Join, exp.Union, exp.Group, exp.Distinct, exp.WindowSpec),
        exp.Div,
        # Lists and objects in JSON, lists in texts, the latest value, text in its normal form.
        *(exp.Explode, exp.FromJson, exp.JSONObject, exp.JSONKeyValue, exp.Split, exp.ArgMax),
        *(exp.RegexpLike, exp.Anonymous),
    )
)
# Functions that sqlglot has no node type for.
PLAN_FUNCTIONS = frozenset({"NFC_NORMALIZE"})

# How DuckDB stores a column. Other engines have no such option, and it has no influence on results.
PLAINLY = exp.ColumnConstraint(kind=exp.Var(this="USING COMPRESSION uncompressed"))

# The space separators of Unicode. TRIM removes all of them in DuckDB, and only the blank elsewhere.
_SPACES = "\u0020\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u202f\u205f\u3000"


def portable(tree: exp.Expr, dialect: str) -> exp.Expr:
    """Return the statement, which is written for DuckDB, in the forms of `dialect`."""
    if dialect == "duckdb":
        return tree
    rewrites, tree = _REWRITES | _BY_DIALECT.get(dialect, {}), tree.copy()
    # Children first, because the replacement of a node contains its children, which must be done by
    # then.
    for node in reversed([node for node in tree.walk() if type(node) in rewrites]):
        found = rewrites[type(node)](node.copy())
        if node is tree:
            tree = found
        else:
            node.replace(found)
    return tree


def _data_type(node: exp.Expr) -> exp.Expr:
    # Only DuckDB has a type for whole numbers of 38 digits.
    if node.this == exp.DataType.Type.INT128:
        return exp.DataType.build("DECIMAL(38, 0)", dialect="duckdb")
    # DuckDB stores a text of few values as an enum. It reads as text.
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
    """Return a parameter with its type. PostgreSQL refuses `$x IS NULL` without one."""
    type = PARAMETER_TYPES.get(node.name)
    return node if type is None else exp.cast(node, exp.DataType.build(type, dialect="duckdb"))


def _made(node: exp.Expr) -> exp.Expr:
    if node.args.get("kind") == "VIEW":
        node.set("exists", False)
        node.set("replace", True)
    elif node.args.get("replace"):
        # PostgreSQL has no CREATE OR REPLACE TABLE. The engine drops the old table in the same
        # transaction.
        node.set("replace", False)
    return node


def _object(node: exp.Expr) -> exp.Expr:
    # JSON_OBJECT needs PostgreSQL 16, and JSON_BUILD_OBJECT writes blanks: the text would be another.
    parts: list[exp.Expr] = []
    for pair in node.expressions:
        name = json.dumps(pair.this.name, ensure_ascii=False)
        parts.append(exp.Literal.string(f"{',' if parts else '{'}{name}:"))
        parts.append(_json_value(pair.expression))
    parts.append(exp.Literal.string("}" if parts else "{}"))
    return exp.cast(exp.Concat(expressions=parts, safe=True), "JSON")


def _json_value(value: exp.Expr) -> exp.Expr:
    is_untyped = isinstance(value, (exp.Null, exp.Placeholder)) or value.is_string
    typed = exp.cast(value, "TEXT") if is_untyped else value
    text = exp.cast(exp.Anonymous(this="TO_JSON", expressions=[typed]), "TEXT")
    return exp.Coalesce(this=text, expressions=[exp.Literal.string("null")])


def _latest(node: exp.Expr) -> exp.Expr:
    # PostgreSQL has no ARG_MAX and ARG_MIN, so this is the first item of an ordered array.
    is_latest = isinstance(node, exp.ArgMax)
    by = exp.Ordered(this=node.expression, desc=is_latest, nulls_first=False)
    ordered = exp.Order(this=node.this, expressions=[by])
    # DuckDB leaves out what has no value, or no place in the order.
    is_there = exp.and_(
        *(
            exp.not_(exp.Is(this=each.copy(), expression=exp.null()))
            for each in (node.this, node.expression)
        )
    )
    array = exp.Paren(
        this=exp.Filter(this=exp.ArrayAgg(this=ordered), expression=exp.Where(this=is_there))
    )
    return exp.Bracket(this=array, expressions=[exp.Literal.number(1)], offset=1, safe=True)


def _filtered(node: exp.Expr) -> exp.Expr:
    # The item of an array that `_latest` made: the condition is that of the array.
    if not isinstance(node.this, exp.Bracket):
        return node
    inner = node.this.find(exp.Filter)
    assert inner is not None, "`_latest` made it"
    inner.expression.set("this", exp.and_(inner.expression.this, node.expression.this))
    return node.this


def _hash(arguments: list[exp.Expr]) -> exp.Expr:
    # `row_locator` shifts it, and its result is never negative.
    hashed = exp.Anonymous(this="HASHTEXTEXTENDED", expressions=[*arguments, exp.Literal.number(0)])
    return exp.Paren(this=exp.BitwiseAnd(this=hashed, expression=exp.Literal.number(2**63 - 1)))


def _escape(arguments: list[exp.Expr]) -> exp.Expr:
    signs, escaped = exp.Literal.string("([^a-zA-Z0-9_])"), exp.Literal.string("\\\\\\1")
    everywhere = exp.Literal.string("g")
    return exp.Anonymous(
        this="REGEXP_REPLACE", expressions=[*arguments, signs, escaped, everywhere]
    )


def _microseconds(arguments: list[exp.Expr]) -> exp.Expr:
    epoch = exp.Extract(this=exp.Var(this="EPOCH"), expression=arguments[0])
    return exp.cast(exp.Mul(this=epoch, expression=exp.Literal.number(1_000_000)), "BIGINT")


def _normalize(arguments: list[exp.Expr]) -> exp.Expr:
    return exp.Anonymous(this="NORMALIZE", expressions=[*arguments, exp.Var(this="NFC")])


# DuckDB's functions that PostgreSQL has in another form.
_FUNCTIONS: dict[str, Callable[[list[exp.Expr]], exp.Expr]] = {
    "EPOCH_US": _microseconds,
    "HASH": _hash,
    "NFC_NORMALIZE": _normalize,
    "REGEXP_ESCAPE": _escape,
}


def _function(node: exp.Expr) -> exp.Expr:
    made = _FUNCTIONS.get(node.name)
    return node if made is None else made(node.expressions)


def _parts(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="STRING_TO_ARRAY", expressions=[node.this, node.expression])


def _listed(node: exp.Expr) -> exp.Expr:
    """Return a JSON list, `UNNEST(FROM_JSON($list, '["BIGINT"]'))`, as rows.

    Other lists are arrays.
    """
    rows = node.this
    if not isinstance(rows, exp.FromJson):
        return node
    shape = rows.expression
    item = json.loads(shape.name)[0]
    if isinstance(item, dict):
        # The query around it becomes `_recordset`.
        return node
    text = exp.cast(rows.this, "JSON")
    items = exp.Anonymous(this="JSON_ARRAY_ELEMENTS_TEXT", expressions=[text])
    return exp.cast(items, exp.DataType.build(item, dialect="duckdb"))


def _recordset(node: exp.Expr) -> exp.Expr:
    """Return rows in JSON, `SELECT j.r.x FROM (SELECT UNNEST(FROM_JSON($rows, ...)) AS r) AS j`, as rows
    of a function."""
    source = node.args.get("from_")
    inner = source.this.this if source and isinstance(source.this, exp.Subquery) else None
    rows = inner.find(exp.FromJson) if isinstance(inner, exp.Select) else None
    if (
        source is None
        or rows is None
        or not isinstance(shape := json.loads(rows.expression.name)[0], dict)
    ):
        return node
    alias = source.this.alias
    types = [
        exp.ColumnDef(
            this=exp.to_identifier(name, quoted=True),
            kind=_data_type(exp.DataType.build(type, dialect="duckdb")),
        )
        for name, type in shape.items()
    ]
    function = exp.Anonymous(
        this="JSON_TO_RECORDSET", expressions=[exp.cast(rows.this.copy(), "JSON")]
    )
    table = exp.Table(
        this=function, alias=exp.TableAlias(this=exp.to_identifier(alias), columns=types)
    )
    for cell in list(node.find_all(exp.Dot)):
        cell.replace(exp.column(cell.expression.copy(), alias))
    node.set("from_", exp.From(this=table))
    return node


def _tried(node: exp.Expr) -> exp.Expr:
    # A function of the session (`engine/postgresql/session.py`), which gives null for a value that does
    # not fit.
    text = exp.cast(node.this, "TEXT")
    return exp.Anonymous(
        this="pg_temp.cij_try_cast", expressions=[text, exp.cast(exp.null(), node.args["to"])]
    )


Rewrites = dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]]

_BY_DIALECT: dict[str, Rewrites] = {
    "postgres": {
        exp.Anonymous: _function,
        exp.ArgMax: _latest,
        exp.ArgMin: _latest,
        exp.Create: _made,
        exp.Explode: _listed,
        exp.Filter: _filtered,
        exp.JSONObject: _object,
        exp.Placeholder: _typed,
        exp.Select: _recordset,
        exp.Split: _parts,
        exp.TryCast: _tried,
    }
}

_REWRITES: Rewrites = {
    exp.ColumnDef: _definition,
    exp.DataType: _data_type,
    exp.Trim: _trim,
}
