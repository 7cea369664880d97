"""Typed expressions to SQL expressions.

Nulls: S1. `condition` gives SQL that is true, or false or null where the condition is false: enough
for WHERE, ON and CASE WHEN. `strict` gives SQL that is never null: needed under NOT and as a value.
So null handling shows up only where it changes something.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sqlglot import exp

from cij.compiler import expression as ex
from cij.compiler.sql import exact, moments, passage, send_rules, sizes
from cij.compiler.sql.entities import KEY, entity_table
from cij.compiler.sql.functions import FUNCTION_SQL
from cij.compiler.sql.local_time import column, on_calendar, stepped, to_instant, to_local, zone_of
from cij.compiler.sql.scope import Scope
from cij.compiler.sql.sizes import Size
from cij.compiler.sql.template import fill
from cij.compiler.text_patterns import portable
from cij.compiler.types import DATETIME, INTEGER, LIST_SIGN, Type, list_text
from cij.compiler.written_values import WHITE_SPACE

__all__ = [
    "Scope",
    "column",
    "condition",
    "storable",
    "strict",
    "to_instant",
    "to_local",
    "value",
    "zone_of",
]


def condition(node: ex.Expression, scope: Scope) -> exp.Expr:
    """Return SQL for a boolean expression; null stands for false."""
    match node:
        case ex.And(items=items):
            return exp.and_(*(condition(i, scope) for i in items), copy=False)
        case ex.Or(items=items):
            return exp.or_(*(condition(i, scope) for i in items), copy=False)
        case ex.Not(item=item):
            return exp.not_(strict(item, scope), copy=False)
        case ex.Compare(operator="!="):
            return _differs(node, scope)
        case ex.Member(segment=name):
            return condition(scope.catalog.segments[name].condition, scope)
    return _atom(node, scope)


def strict(node: ex.Expression, scope: Scope) -> exp.Expr:
    """Return SQL for a boolean expression that is never null."""
    match node:
        case ex.And(items=items):
            return exp.and_(*(strict(i, scope) for i in items), copy=False)
        case ex.Or(items=items):
            return exp.or_(*(strict(i, scope) for i in items), copy=False)
        case ex.Member(segment=name):
            return strict(scope.catalog.segments[name].condition, scope)
        case ex.Not() | ex.Compare(operator="!="):
            return condition(node, scope)
    tree = _atom(node, scope)
    return fill("COALESCE({a}, FALSE)", a=tree) if _may_be_null(node, scope) else tree


def value(node: ex.Expression, scope: Scope) -> exp.Expr:
    """Return SQL for the value of any expression; null where it is missing."""
    if node.type.kind == "boolean" and not isinstance(node, (ex.Constant, ex.Coalesce)):
        return _atom(node, scope) if isinstance(node, _READS) else strict(node, scope)
    return _VALUES[type(node)](node, scope)


# What may have more digits than its operands.
_CALCULATED = (ex.Arithmetic, ex.Aggregate, ex.Call, ex.Coalesce, ex.Cases, ex.MeasureValue)

# --- booleans ---------------------------------------------------------------------------------

# A boolean that is read, and not decided, can be missing as a value.
_READS = (
    *(ex.Field, ex.Column, ex.EventField, ex.TriggerField, ex.AtEntry, ex.Related),
    *(ex.Aggregate, ex.MeasureValue),
)


def _atom(node: ex.Expression, scope: Scope) -> exp.Expr:
    return (_ATOMS.get(type(node)) or _VALUES[type(node)])(node, scope)


def _may_be_null(node: ex.Expression, scope: Scope) -> bool:
    match node:
        case ex.Compare(left=left, right=right):
            return _may_be_unknown(left, scope) or _may_be_unknown(right, scope)
        case ex.InSet(value=inner, items=items):
            return any(_may_be_unknown(i, scope) for i in (inner, *items))
        case (
            ex.Known() | ex.Consent() | ex.HashShare() | ex.TopShare() | ex.Listed() | ex.InQuiet()
        ):
            return False
    # The key of a message is missing where an interaction came without one.
    return node.is_nullable or isinstance(node, ex.OfMessage)


def _may_be_unknown(node: ex.Expression, scope: Scope) -> bool:
    # Beside what is missing: a number that has too many digits.
    return node.is_nullable or sizes.is_guarded(
        node, lambda name: scope.catalog.measures[name].value
    )


_COMPARISONS: dict[str, str] = {
    "=": "{a} = {b}",
    "<": "{a} < {b}",
    "<=": "{a} <= {b}",
    ">": "{a} > {b}",
    ">=": "{a} >= {b}",
    "contains": "STRPOS({a}, {b}) > 0",
    "starts with": "STRPOS({a}, {b}) = 1",
}


def _compare(node: ex.Compare, scope: Scope) -> exp.Expr:
    if node.left.type.kind == "list" and node.operator == "contains":
        return _has_item(node, scope)
    if node.operator == "matches":
        return _matches(node, scope)
    return fill(_COMPARISONS[node.operator], a=value(node.left, scope), b=value(node.right, scope))


def _matches(node: ex.Compare, scope: Scope) -> exp.Expr:
    assert isinstance(node.right, ex.Constant), "a pattern is part of the program"
    pattern = exp.Literal.string(portable(str(node.right.value)))
    return fill("REGEXP_MATCHES({a}, {p})", a=value(node.left, scope), p=pattern)


def _has_item(node: ex.Compare, scope: Scope) -> exp.Expr:
    item: exp.Expr
    if isinstance(node.right, ex.Constant):
        item = exp.Literal.string(list_text([str(node.right.value)]))
    else:
        # A missing item leaves two signs side by side, which no list has.
        text = "CONCAT({sign}, CAST({b} AS TEXT), {sign})"
        item = fill(text, b=value(node.right, scope), sign=exp.Literal.string(LIST_SIGN))
    return fill("STRPOS({a}, {item}) > 0", a=value(node.left, scope), item=item)


def _differs(node: ex.Compare, scope: Scope) -> exp.Expr:
    if _may_be_null(node, scope):
        equal = node.model_copy(update={"operator": "="})
        return exp.not_(strict(equal, scope), copy=False)
    return fill("{a} <> {b}", a=value(node.left, scope), b=value(node.right, scope))


def _in_set(node: ex.InSet, scope: Scope) -> exp.Expr:
    tree = fill("{a} IN (0)", a=value(node.value, scope))
    tree.set("expressions", [value(i, scope) for i in node.items])
    return tree


def _known(node: ex.Known, scope: Scope) -> exp.Expr:
    return fill("NOT {a} IS NULL", a=value(node.value, scope))


def _consent(node: ex.Consent, scope: Scope) -> exp.Expr:
    channels = [node.channel] if node.channel else scope.catalog.topics[node.topic].channels
    return exp.or_(
        *(column(scope.customer, f"consent.{node.topic}.{c}") for c in channels), copy=False
    )


def _hash_share(node: ex.HashShare, scope: Scope) -> exp.Expr:
    digits = fill(
        "SUBSTRING(MD5(CONCAT({salt}, {id})), 1, 8)",
        salt=exp.Literal.string(node.salt + ":"),
        id=column(scope.customer, "id"),
    )
    low = fill("{d} >= {bound}", d=digits, bound=exp.Literal.string(_hex_bound(node.low)))
    if Decimal(node.high) >= 1:
        return low
    high = fill("{d} < {bound}", d=digits, bound=exp.Literal.string(_hex_bound(node.high)))
    return exp.and_(low, high, copy=False)


def _hex_bound(share: str) -> str:
    return f"{int(Decimal(share) * 16**8):08x}"


def _top_share(node: ex.TopShare, scope: Scope) -> exp.Expr:
    alias = f"top{scope.depth + 1}"
    inner = Scope(scope.catalog, customer=alias, depth=scope.depth + 1)
    return fill(
        """
{id} IN (
  SELECT ranked.id FROM (
    SELECT v.id, ROW_NUMBER() OVER (ORDER BY v.x DESC NULLS LAST, v.id ASC) AS place,
      COUNT(*) OVER () AS people
    FROM (SELECT {inner_id} AS id, {x} AS x FROM customer AS {alias}) AS v
    WHERE NOT v.x IS NULL
  ) AS ranked
  WHERE ranked.place <= CEIL(ranked.people * {share})
)""",
        id=column(scope.customer, "id"),
        inner_id=column(alias, "id"),
        x=value(node.value, inner),
        alias=alias,
        share=exp.Literal.number(f"{Decimal(node.share):f}"),
    )


# --- aggregates -------------------------------------------------------------------------------

_AGGREGATES: dict[str, str] = {
    "count": "COUNT({x})",
    "count distinct": "COUNT(DISTINCT {x})",
    "min": "MIN({x})",
    "max": "MAX({x})",
}


def _aggregate(node: ex.Aggregate, scope: Scope) -> exp.Expr:
    inner = scope.inside_aggregate()
    assert inner.event is not None
    rows = exp.and_(*row_conditions(node, scope, inner), copy=False)
    holes: dict[str, Any] = {"t": f"event_{node.event}", "e": inner.event, "rows": rows}
    if node.function == "any":
        return fill("EXISTS(SELECT 1 FROM {t} AS {e} WHERE {rows})", **holes)
    if node.function == "count" and node.value is None:
        return fill("(SELECT COUNT(*) FROM {t} AS {e} WHERE {rows})", **holes)
    assert node.value is not None, f"{node.function} needs a value"
    holes["x"] = value(node.value, inner)
    if node.function in ("first", "last", "last known"):
        return _end_of_row(node.function, holes, inner)
    if node.function == "avg":
        agg = exact.average(holes["x"], _size(node.value, inner))
    elif node.function == "sum":
        agg = exact.summed(holes["x"], _size(node.value, inner))
    else:
        agg = fill(_AGGREGATES[node.function], x=holes["x"])
    del holes["x"]
    return fill("(SELECT {agg} FROM {t} AS {e} WHERE {rows})", agg=agg, **holes)


def _end_of_row(function: str, holes: dict[str, Any], inner: Scope) -> exp.Expr:
    order = "ASC" if function == "first" else "DESC"
    return fill(
        "(SELECT {x} FROM {t} AS {e} WHERE {rows} "
        f"ORDER BY {{at}} {order} NULLS LAST, {{seq}} {order} NULLS LAST LIMIT 1)",
        at=column(inner.event, "at"),
        seq=column(inner.event, "seq"),
        **holes,
    )


def row_conditions(node: ex.Aggregate, outer: Scope, inner: Scope) -> list[exp.Expr]:
    """Return which rows of the event an aggregate looks at: event row `inner`, customer `outer`."""
    at = column(inner.event, "at")
    found = [
        fill("{a} = {b}", a=column(inner.event, "customer"), b=column(outer.customer, "id")),
        fill("{at} <= {now}", at=at, now=outer.instant),
    ]
    match node.window:
        case ex.Last(period=period):
            found.append(fill("{at} > {start}", at=at, start=before_now(period, outer)))
        case ex.Range(start=start, end=end):
            found.append(fill("{at} >= {start}", at=at, start=value(start, outer)))
            if end is not None:
                found.append(_until(at, end, outer))
    if node.where is not None:
        found.append(condition(node.where, inner))
    if node.function == "last known" and node.value is not None:
        found.append(fill("NOT {x} IS NULL", x=value(node.value, inner)))
    return found


def _until(at: exp.Expr, end: ex.Expression, scope: Scope) -> exp.Expr:
    if end.type.kind != "date":
        return fill("{at} <= {end}", at=at, end=value(end, scope))
    # A day ends where the next one begins: its last hour may come twice.
    next_day = fill("CAST({a} AS TIMESTAMP) + INTERVAL '1' DAY", a=value(end, scope))
    return fill("{at} < {end}", at=at, end=to_instant(next_day, zone_of(scope)))


# --- values -----------------------------------------------------------------------------------


def _constant(node: ex.Constant, scope: Scope) -> exp.Expr:
    kind = node.type.kind
    if kind in ("decimal", "money", "percent"):
        # Never with an exponent, which would make it inexact.
        return exp.Literal.number(f"{Decimal(str(node.value)):f}")
    if kind == "date":
        return fill("CAST({a} AS DATE)", a=exp.Literal.string(str(node.value)))
    if kind == "time":
        return fill("CAST({a} AS TIME)", a=exp.Literal.string(str(node.value)))
    if kind == "datetime":
        local = fill("CAST({a} AS TIMESTAMP)", a=exp.Literal.string(str(node.value)))
        return to_instant(local, zone_of(scope))
    return exp.convert(node.value)


def _period(node: ex.Period, scope: Scope) -> exp.Expr:
    # As a value to compare with, a duration is seconds; months have no fixed length and are
    # refused by the types.
    unit_s = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
    return exp.convert(sum(n * unit_s[unit] for n, unit in node.lengths))


def _trigger_field(node: ex.TriggerField, scope: Scope) -> exp.Expr:
    columns = [column(scope.trigger_prefix + event, node.name) for event in node.events]
    return (
        columns[0] if len(columns) == 1 else exp.Coalesce(this=columns[0], expressions=columns[1:])
    )


def _related(node: ex.Related, scope: Scope) -> exp.Expr:
    # The key is that of a source, so there is one row at most.
    row = f"r{_relations(node)}"
    return fill(
        "(SELECT {x} FROM {t} AS {r} WHERE {key} = {base})",
        x=column(row, node.name),
        t=entity_table(node.entity),
        r=row,
        key=column(row, KEY),
        base=value(node.base, scope),
    )


def _relations(node: ex.Related) -> int:
    """Return how many relations a path goes through, so that their rows have different names."""
    return 1 + _relations(node.base) if isinstance(node.base, ex.Related) else 1


def _arithmetic(node: ex.Arithmetic, scope: Scope) -> exp.Expr:
    if isinstance(node.right, ex.Period) and node.left.type.kind in ("datetime", "date"):
        return _stepped(node, node.right, scope)
    left, right = value(node.left, scope), value(node.right, scope)
    if node.type.kind == "duration":
        return _elapsed(node, left, right)
    a, b = _size(node.left, scope), _size(node.right, scope)
    if node.operator in "*/":
        return _scaled(node, left, right, a, b)
    return exact.total(node.operator, left, right, a, b)


def _scaled(node: ex.Arithmetic, left: exp.Expr, right: exp.Expr, a: Size, b: Size) -> exp.Expr:
    if node.operator == "*":
        is_whole = node.left.type == node.right.type == INTEGER
        return exact.product(left, right, a, b, is_whole=is_whole)
    if not (isinstance(node.right, ex.Constant) and Decimal(node.right.value)):
        right = fill("NULLIF({b}, 0)", b=right)
    return exact.quotient(left, right, a, b)


def _size(node: ex.Expression, scope: Scope) -> Size:
    return sizes.size(node, lambda name: scope.catalog.measures[name].value)


def storable(node: ex.Expression, type: Type, scope: Scope) -> exp.Expr:
    """Return SQL for the value as a column of a type holds it: null where it has too many digits."""
    tree = value(node, scope)
    if not isinstance(node, _CALCULATED):
        return tree
    return exact.storable(tree, _size(node, scope), type)


def _elapsed(node: ex.Arithmetic, left: exp.Expr, right: exp.Expr) -> exp.Expr:
    if node.left.type.kind == "date":
        return fill("CAST({a} - {b} AS BIGINT) * 86400", a=left, b=right)
    return fill("CAST(EXTRACT(EPOCH FROM {a} - {b}) AS DECIMAL(18, 6))", a=left, b=right)


def _stepped(node: ex.Arithmetic, period: ex.Period, scope: Scope) -> exp.Expr:
    start = value(node.left, scope)
    if moments.is_elapsed(period):
        text = f"{{a}} {node.operator} {{n}} * INTERVAL '1' SECOND"
        return fill(text, a=start, n=exp.convert(moments.seconds(period)))
    step = moments.of_period(period, sign=1 if node.operator == "+" else -1)
    if node.left.type.kind == "date":
        return fill("CAST({a} AS DATE)", a=on_calendar(start, step))
    return stepped(start, step, zone_of(scope))


def before_now(period: ex.Period, scope: Scope) -> exp.Expr:
    """Return the instant one period before now, by the customer's calendar (S2, S5)."""
    if moments.is_elapsed(period):
        n = exp.convert(moments.seconds(period))
        return fill("{now} - {n} * INTERVAL '1' SECOND", now=scope.instant, n=n)
    return moments.instant(moments.of_period(period, sign=-1), zone_of(scope), scope.instant)


def _call(node: ex.Call, scope: Scope) -> exp.Expr:
    argument = value(node.arguments[0], scope)
    if node.function == "date":
        return fill("CAST({a} AS DATE)", a=to_local(argument, zone_of(scope)))
    if node.function in ("hour", "minute") and node.arguments[0].type == DATETIME:
        argument = to_local(argument, zone_of(scope))
    if node.function == "concat":
        return _concatenated([argument, *(value(part, scope) for part in node.arguments[1:])])
    if node.function == "number" and node.arguments[0].type == INTEGER:
        return fill("CAST({a} AS DECIMAL(38, 6))", a=argument)
    if node.function == "abs":
        return exact.absolute(argument, _size(node.arguments[0], scope))
    if node.function == "trim":
        return fill(FUNCTION_SQL["trim"], a=argument, spaces=exp.Literal.string(WHITE_SPACE))
    more = (value(part, scope) for part in node.arguments[1:])
    return fill(FUNCTION_SQL[node.function], a=argument, **dict(zip("bc", more, strict=False)))


def _concatenated(parts: Sequence[exp.Expr]) -> exp.Expr:
    found = parts[0]
    for part in parts[1:]:
        found = fill("{a} || {b}", a=found, b=part)
    return found


def _coalesce(node: ex.Coalesce, scope: Scope) -> exp.Expr:
    return fill("COALESCE({a}, {b})", a=value(node.value, scope), b=value(node.default, scope))


def _cases(node: ex.Cases, scope: Scope) -> exp.Expr:
    tree = exp.Case()
    for case in node.cases:
        tree = tree.when(condition(case.condition, scope), value(case.value, scope), copy=False)
    return tree.else_(value(node.otherwise, scope), copy=False)


def _today(node: ex.Today, scope: Scope) -> exp.Expr:
    return fill("CAST({a} AS DATE)", a=moments.local_now(zone_of(scope), scope.instant))


_Emit = Callable[[Any, Scope], exp.Expr]

_ATOMS: dict[type, _Emit] = {
    ex.Compare: _compare,
    ex.InSet: _in_set,
    ex.Known: _known,
    ex.Consent: _consent,
    ex.HashShare: _hash_share,
    ex.TopShare: _top_share,
    **passage.ATOMS,
    **send_rules.ATOMS,
}

_VALUES: dict[type, _Emit] = {
    ex.Constant: _constant,
    ex.Period: _period,
    ex.Now: lambda node, scope: scope.instant,
    ex.Today: _today,
    ex.Field: lambda node, scope: column(scope.customer, node.name),
    ex.Column: lambda node, scope: column(scope.source_alias, node.name),
    ex.ColumnBefore: lambda node, scope: column(scope.before_alias, node.name),
    ex.EventField: lambda node, scope: column(scope.event, node.name),
    ex.TriggerField: _trigger_field,
    ex.Related: _related,
    ex.AtEntry: passage.at_entry,
    ex.EnteredAt: passage.entered_at,
    ex.Result: passage.result,
    ex.Noted: passage.noted,
    ex.SendOutcome: passage.send_outcome,
    ex.MeasureValue: lambda n, s: value(s.catalog.measures[n.measure].value, s),
    ex.Aggregate: _aggregate,
    ex.Arithmetic: _arithmetic,
    ex.Coalesce: _coalesce,
    ex.Cases: _cases,
    ex.Call: _call,
    **send_rules.VALUES,
}
