"""Random conditions, and two other opinions about them: an evaluator and z3.

Both work from the typed expressions and semantics.md alone, and share nothing with the prover.
"""

import operator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import z3  # type: ignore[import-untyped, unused-ignore]

from cij.compiler import expression as ex, program as pg
from cij.compiler.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    PERCENT,
    TEXT,
    Type,
    money,
)
from cij.compiler.unparse import words
from tests.builders import PLACE

FIELDS: dict[str, Type] = {
    "points": INTEGER,
    "age": INTEGER,
    "share": DECIMAL,
    "spent": money("EUR"),
    "born": DATE,
    "seen": DATETIME,
    "rate": PERCENT,
    "lang": TEXT,
    "tier": TEXT,
    "vip": BOOLEAN,
    "staff": BOOLEAN,
}
REQUIRED = {"age", "tier", "staff"}


@dataclass
class Catalog:
    """What random conditions name."""

    segments: dict[str, pg.Segment] = field(default_factory=dict)
    measures: dict[str, pg.Measure] = field(default_factory=dict)
    topics: dict[str, pg.Topic] = field(default_factory=dict)


# --- random conditions ------------------------------------------------------------------------

_TEXTS = ("a", "ab", "b", "abc", "", "gold", "ñ")


def constant(random: Random, type: Type) -> ex.Constant:
    """Return a constant from few, so that conditions meet."""
    small = random.randint(-1, 4)
    value: bool | int | str
    match type.kind:
        case "integer":
            value = small
        case "boolean":
            value = random.random() < 0.5
        case "text":
            value = random.choice(_TEXTS)
        case "date":
            value = (date(2026, 1, 1) + timedelta(days=small)).isoformat()
        case "datetime":
            value = (datetime(2026, 1, 1) + timedelta(hours=small)).isoformat(sep=" ")
        case _:
            value = str(Decimal(small) + random.choice((Decimal(0), Decimal("0.5"))))
    return ex.Constant(type=type, value=value)


def read(name: str) -> ex.Field:
    return ex.Field(type=FIELDS[name], is_nullable=name not in REQUIRED, name=name)


_PURCHASE = {"event": "purchase", "window": None}
COUNT = ex.Aggregate(type=INTEGER, function="count", event="purchase")
ANY = ex.Aggregate(type=BOOLEAN, function="any", event="purchase")
SUM = ex.Aggregate(
    type=money("EUR"),
    function="sum",
    event="purchase",
    value=ex.EventField(type=money("EUR"), is_nullable=True, event="purchase", name="amount"),
)


def _value(random: Random) -> ex.Expression:
    if random.random() < 0.12:
        return COUNT
    if random.random() < 0.06:
        return SUM
    node = read(random.choice([n for n, t in FIELDS.items() if t.kind != "boolean"]))
    if random.random() < 0.1:
        default = constant(random, node.type)
        return ex.Coalesce(type=node.type, value=node, default=default)
    return node


def atom(random: Random, catalog: Catalog) -> ex.Expression:
    """Return a condition without and, or and not."""
    form = random.randint(0, 11)
    if form == 0:
        return random.choice((read("vip"), read("staff"), ANY))
    if form == 1:
        channel = random.choice((None, "email", "sms"))
        return ex.Consent(topic="news", channel=channel)
    if form == 2 and catalog.segments:
        return ex.Member(segment=random.choice(list(catalog.segments)))
    if form == 3:
        return _boolean_compare(random)
    if form == 4:
        low = random.randint(0, 3) / Decimal(4)
        return ex.HashShare(salt="s", low=str(low), high=str(low + Decimal("0.25")))
    value = _value(random)
    if form == 5:
        return ex.Known(value=value)
    if form == 6:
        items = tuple(constant(random, value.type) for _ in range(random.randint(1, 3)))
        return ex.InSet(value=value, items=items)
    return _compare(random, value)


def _boolean_compare(random: Random) -> ex.Expression:
    left, right = read("vip"), random.choice((read("staff"), constant(random, BOOLEAN)))
    word = random.choice(("=", "!="))
    return ex.Compare.model_validate({"operator": word, "left": left, "right": right})


def _compare(random: Random, value: ex.Expression) -> ex.Expression:
    operators = ["=", "!=", "<", "<=", ">", ">="]
    if value.type == TEXT:
        operators = ["=", "!=", "contains", "starts with"]
    right = constant(random, value.type)
    word = random.choice(operators)
    return ex.Compare.model_validate({"operator": word, "left": value, "right": right})


def condition(random: Random, catalog: Catalog, size: int) -> ex.Expression:
    """Return a condition with `size` atoms."""
    if size <= 1:
        found = atom(random, catalog)
    else:
        count = random.randint(2, min(4, size))
        sizes = [size // count] * count
        sizes[0] += size - sum(sizes)
        items = tuple(condition(random, catalog, s) for s in sizes)
        found = (ex.And if random.random() < 0.65 else ex.Or)(items=items)
    return ex.Not(item=found) if random.random() < 0.2 else found


def catalog_of(random: Random) -> Catalog:
    """Return a catalog with two segments, the second made of the first."""
    found = Catalog()
    found.topics["news"] = pg.Topic(
        name="news", purpose="", channels=("email", "sms"), consent="opt_in", place=PLACE
    )
    for name in ("first", "second"):
        made = condition(random, found, random.randint(1, 3))
        found.segments[name] = pg.Segment(name=name, condition=made, refresh_s=60, place=PLACE)
    return found


# --- the evaluator ----------------------------------------------------------------------------

Witness = dict[str, Any]


def is_true(node: ex.Expression, witness: Witness, catalog: Catalog) -> bool:
    """Tell whether a condition holds for a witness; what it does not name is unknown or false."""
    match node:
        case ex.And(items=items):
            return all(is_true(i, witness, catalog) for i in items)
        case ex.Or(items=items):
            return any(is_true(i, witness, catalog) for i in items)
        case ex.Not(item=item):
            return not is_true(item, witness, catalog)
        case ex.Member(segment=name):
            return is_true(catalog.segments[name].condition, witness, catalog)
        case ex.Consent(channel=None):
            return any(witness.get(f"consent.news.{c}", False) for c in ("email", "sms"))
        case ex.HashShare(low=low, high=high):
            place = witness.get("hash", 0)
            return bool(Fraction(low) <= place < Fraction(high))
        case ex.Known(value=value):
            return value_of(value, witness) is not None
        case ex.InSet(value=value, items=items):
            found = value_of(value, witness)
            return found is not None and any(found == value_of(i, witness) for i in items)
        case ex.Compare():
            return _holds(node, witness)
    return value_of(node, witness) is True


def _holds(node: ex.Compare, witness: Witness) -> bool:
    left, right = value_of(node.left, witness), value_of(node.right, witness)
    if left is None or right is None:
        return node.operator == "!="
    match node.operator:
        case "!=":
            return bool(left != right)
        case "=":
            return bool(left == right)
        case "contains":
            return right in left
        case "starts with":
            return bool(left.startswith(right))
    return bool(_ORDER[node.operator](left, right))


_ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def value_of(node: ex.Expression, witness: Witness) -> Any:
    """Return the value of an expression for a witness; None is missing."""
    match node:
        case ex.Constant(type=Type(kind="date"), value=value):
            return date.fromisoformat(str(value))
        case ex.Constant(type=Type(kind="datetime"), value=value):
            return datetime.fromisoformat(str(value))
        case ex.Constant(type=Type(kind="text" | "integer" | "boolean"), value=value):
            return value
        case ex.Constant(value=value):
            return Fraction(str(value))
        case ex.Coalesce(value=value, default=default):
            found = value_of(value, witness)
            return value_of(default, witness) if found is None else found
        case ex.Aggregate(function="any"):
            return witness.get("count(purchase)", 0) > 0
        case ex.Aggregate():
            found = witness.get(words(node), 0)
        case ex.Field(name=name):
            fallback = {"age": 0, "tier": "", "staff": False}.get(name)
            found = witness.get(name, fallback)
        case _:
            found = witness.get(words(node), False)
    return Fraction(found) if isinstance(found, Decimal) else found


# --- z3 ---------------------------------------------------------------------------------------

_SORTS = {"integer": z3.Int, "boolean": z3.Bool, "text": z3.String, "date": z3.Int}


@dataclass
class Oracle:
    """One condition in z3. Source: semantics.md S1, S14."""

    catalog: Catalog
    axioms: list[Any] = field(default_factory=list)

    def verdict(self, nodes: list[ex.Expression], timeout_ms: int = 5000) -> str:
        """Return sat, unsat or unknown for all conditions together."""
        solver = z3.Solver()
        solver.set("timeout", timeout_ms)
        made = [self.true(n) for n in nodes]
        solver.add(*made, *self.axioms)
        return str(solver.check())

    def true(self, node: ex.Expression) -> Any:
        match node:
            case ex.And(items=items):
                return z3.And(*(self.true(i) for i in items))
            case ex.Or(items=items):
                return z3.Or(*(self.true(i) for i in items))
            case ex.Not(item=item):
                return z3.Not(self.true(item))
            case ex.Member(segment=name):
                return self.true(self.catalog.segments[name].condition)
            case ex.Known(value=value):
                return self.value(value)[1]
            case ex.InSet(value=value, items=items):
                left, known = self.value(value)
                return z3.And(known, z3.Or(*(left == self.value(i)[0] for i in items)))
            case ex.Compare():
                return self._compare(node)
        return self._statement(node)

    def _statement(self, node: ex.Expression) -> Any:
        match node:
            case ex.Consent(channel=None):
                return z3.Or(z3.Bool("consent email"), z3.Bool("consent sms"))
            case ex.Consent(channel=channel):
                return z3.Bool(f"consent {channel}")
            case ex.HashShare(low=low, high=high):
                place = z3.Real("hash")
                self.axioms += [place >= 0, place < 1]
                return z3.And(place >= z3.Q(*_ratio(low)), place < z3.Q(*_ratio(high)))
        value, known = self.value(node)
        return z3.And(known, value)

    def _compare(self, node: ex.Compare) -> Any:
        (left, left_known), (right, right_known) = self.value(node.left), self.value(node.right)
        both = z3.And(left_known, right_known)
        match node.operator:
            case "!=":
                return z3.Not(z3.And(both, left == right))
            case "=":
                return z3.And(both, left == right)
            case "contains":
                return z3.And(both, z3.Contains(left, right))
            case "starts with":
                return z3.And(both, z3.PrefixOf(right, left))
            case "<":
                return z3.And(both, left < right)
            case "<=":
                return z3.And(both, left <= right)
            case ">":
                return z3.And(both, left > right)
        return z3.And(both, left >= right)

    def value(self, node: ex.Expression) -> tuple[Any, Any]:
        """Return a value and whether it is known."""
        match node:
            case ex.Constant():
                return _constant(node), z3.BoolVal(True)
            case ex.Coalesce(value=value, default=default):
                (first, known), (second, known_too) = self.value(value), self.value(default)
                return z3.If(known, first, second), z3.Or(known, known_too)
            case ex.Aggregate(function="any"):
                return self.value(COUNT)[0] > 0, z3.BoolVal(True)
            case ex.Aggregate(function="count"):
                self.axioms.append(z3.Int("count") >= 0)
                return z3.Int("count"), z3.BoolVal(True)
            case ex.Aggregate():
                return z3.Real("sum"), z3.BoolVal(True)
        assert isinstance(node, ex.Field)
        known = z3.Bool(f"{node.name} known") if node.is_nullable else z3.BoolVal(True)
        return _SORTS.get(node.type.kind, z3.Real)(node.name), known


def _constant(node: ex.Constant) -> Any:
    match node.type.kind:
        case "integer":
            return z3.IntVal(node.value)
        case "boolean":
            return z3.BoolVal(node.value)
        case "text":
            return z3.StringVal(str(node.value))
        case "date":
            return z3.IntVal(date.fromisoformat(str(node.value)).toordinal())
        case "datetime":
            passed = datetime.fromisoformat(str(node.value)) - datetime(2026, 1, 1)
            return z3.RealVal(int(passed.total_seconds()))
    return z3.Q(*_ratio(str(node.value)))


def _ratio(text: str) -> tuple[int, int]:
    return Fraction(text).as_integer_ratio()
