"""From values of the language to terms and plain numbers."""

from collections.abc import Hashable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

from cij.compiler import expression as ex
from cij.compiler.proofs.formula import Term
from cij.compiler.proofs.ranges import ALL, Ranges, Value, compared, only
from cij.compiler.types import BOOLEAN, DECIMAL, INTEGER, Type, list_items

_UNIT_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_WHOLE = ("integer", "boolean", "date")
_EPOCH = datetime(1970, 1, 1)

YES = only(1)
_COUNT = compared(">=", 0)
_SIGN = only(-1, 0, 1)
_SHARE = Ranges(False, ((0, 0), (1, 0)))
_RANK = Ranges(False, ((0, 1), (1, 1)))


def number_of(node: ex.Expression) -> Value | None:
    """Return the value of a constant as a number or a text; None for all that is no constant.

    Units: dates are days, instants, times and durations seconds, as Python counts them.
    """
    if isinstance(node, ex.Period):
        lengths = [n * _UNIT_S[unit] for n, unit in node.lengths if unit in _UNIT_S]
        return sum(lengths) if len(lengths) == len(node.lengths) else None
    if not isinstance(node, ex.Constant):
        return None
    match node.type.kind:
        case "text" | "list":
            return str(node.value)
        case "integer" | "boolean":
            return int(node.value)
        case "decimal" | "money" | "percent":
            return Fraction(str(node.value))
        case "date":
            return date.fromisoformat(str(node.value)).toordinal()
        case "datetime":
            passed = datetime.fromisoformat(str(node.value)) - _EPOCH
            return passed // timedelta(microseconds=1) / Fraction(1_000_000)
        case "time":
            return _seconds(time.fromisoformat(str(node.value)))
    return None


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


def shown(value: Value, type: Type) -> bool | int | str | Decimal | date | datetime:
    """Return a value of a term as Python has it."""
    match type.kind:
        case "text":
            return str(value)
        case "list":
            return ", ".join(list_items(str(value)))
        case "boolean":
            return bool(value)
        case "date" if 1 <= value <= date.max.toordinal():
            return date.fromordinal(value)
        case "datetime":
            return _EPOCH + timedelta(microseconds=int(value * 1_000_000))
    if Fraction(value).denominator == 1:
        return int(value)
    return Decimal(value.numerator) / Decimal(value.denominator)


def base_of(type: Type) -> Ranges:
    """Return all values of a type."""
    match type.kind:
        case "boolean":
            return only(0, 1)
        case "text" if type.values is not None:
            return only(*type.values)
        case "text" | "list":
            return compared(">=", "")
        case "time":
            return Ranges(False, ((0, 0), (86400, 0)))
    return ALL


def field_term(key: Hashable, node: ex.Expression, *, is_free: bool = True) -> Term:
    """Return the term of a value that is read or computed."""
    is_whole = node.type.kind in _WHOLE
    return Term(key, node.type, base_of(node.type), node.is_nullable, is_whole, is_free, node)


def consent_term(topic: str, channel: str) -> Term:
    """Return the consent to a topic on one channel, which is always known."""
    node = ex.Consent(type=BOOLEAN, topic=topic, channel=channel)
    return field_term(("consent", topic, channel), node)


def member_term(segment: str) -> Term:
    """Return membership of a segment whose condition is not there."""
    return field_term(("member", segment), ex.Member(segment=segment))


def count_term(node: ex.Aggregate) -> Term:
    """Return the number of the rows of an aggregate: `any` is a question about it."""
    rows = ex.Aggregate(
        type=INTEGER, function="count", event=node.event, window=node.window, where=node.where
    )
    return Term(_aggregate_key(rows), INTEGER, _COUNT, False, True, True, rows)


def aggregate_term(node: ex.Aggregate) -> Term:
    """Return the term of any aggregate that is a value."""
    if node.function == "count" and node.value is None:
        return count_term(node)
    base = _COUNT if node.function in ("count", "count distinct") else base_of(node.type)
    is_whole = node.type.kind in _WHOLE
    key = _aggregate_key(node)
    return Term(key, node.type, base, node.is_nullable, is_whole, True, node)


def _aggregate_key(node: ex.Aggregate) -> Hashable:
    return (node.function, node.event, node.value, node.window, node.where)


def sign_term(left: ex.Expression, right: ex.Expression) -> Term:
    """Return how `left` stands to `right`: -1 below, 0 equal, 1 above."""
    shows = ex.Compare(operator=">", left=left, right=right)
    return Term(("sign", left, right), INTEGER, _SIGN, False, True, False, shows)


def opaque_term(node: ex.Expression) -> Term:
    """Return a condition that is taken as it stands."""
    return Term(("is", node), BOOLEAN, only(0, 1), False, True, False, node)


def rank_term(node: ex.TopShare) -> Term:
    """Return the share of the customers who come before this one, or as this one."""
    return Term(("rank", node.value), DECIMAL, _RANK, False, False, False, node)


def hash_term(node: ex.HashShare) -> Term:
    """Return where the hash of the customer lies for a salt."""
    return Term(("hash", node.salt), DECIMAL, _SHARE, False, False, True, node)


# --- relative to now --------------------------------------------------------------------------

_STEPS = {
    "second": ("second", 1),
    "minute": ("second", 60),
    "hour": ("second", 3600),
    "day": ("day", 1),
    "week": ("day", 7),
    "month": ("month", 1),
    "year": ("month", 12),
}


def distance(node: ex.Expression) -> tuple[str, str, int] | None:
    """Return (now or today, unit, signed count) of an instant that is only counted from now.

    Days and hours have no fixed ratio (S2), so the unit is part of what can be compared.
    """
    if isinstance(node, (ex.Now, ex.Today)):
        return node.op, "", 0
    match node:
        case ex.Arithmetic(operator="+" | "-", left=ex.Now() | ex.Today(), right=ex.Period()):
            assert isinstance(node.right, ex.Period)
            if node.right.rest is not None:
                return None
            unit, length = _STEPS[node.right.unit]
            sign = 1 if node.operator == "+" else -1
            return node.left.op, unit, sign * length * node.right.count
    return None


def distance_term(value: ex.Expression, start: str, unit: str) -> Term:
    """Return how far `value` lies from now, in one unit."""
    return Term(("distance", value, start, unit), DECIMAL, ALL, False, False, False, value)
