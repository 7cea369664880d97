"""Typed conditions to formulas. Segments and measures are expanded; S1 decides what missing means.

What is not about one value and constants becomes a term of its own: how two values stand to each
other, the result of a function, an aggregate as a whole.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Protocol

from cij.compiler import expression as ex, program as pg
from cij.compiler.functions import PARTIAL
from cij.compiler.proofs import terms
from cij.compiler.proofs.formula import (
    FALSE,
    TRUE,
    Formula,
    Literal,
    Term,
    Test,
    all_of,
    literal,
    negated,
    passes,
    some_of,
)
from cij.compiler.proofs.ranges import ALL, Ranges, Value, compared, prefixed
from cij.compiler.proofs.terms import YES, number_of
from cij.compiler.types import list_text


class Catalog(Protocol):
    """What conditions may name; `model.Model` is one."""

    @property
    def segments(self) -> Mapping[str, pg.Segment]: ...

    @property
    def measures(self) -> Mapping[str, pg.Measure]: ...

    @property
    def topics(self) -> Mapping[str, pg.Topic]: ...


def truth(node: ex.Expression, catalog: Catalog) -> Formula:
    """Return the formula that is true exactly where the condition is."""
    match node:
        case ex.And(items=items):
            return all_of(truth(i, catalog) for i in items)
        case ex.Or(items=items):
            return some_of(truth(i, catalog) for i in items)
        case ex.Not(item=item):
            return negated(truth(item, catalog))
        case ex.Compare():
            return _compare(node, catalog)
        case ex.InSet(value=value, items=items):
            pairs = (ex.Compare(operator="=", left=value, right=i) for i in items)
            return some_of(_compare(p, catalog) for p in pairs)
        case ex.Known(value=value):
            return known(value, catalog)
        case ex.Coalesce(value=value, default=default):
            missing = negated(known(value, catalog))
            return some_of((truth(value, catalog), all_of((missing, truth(default, catalog)))))
        case ex.MeasureValue(measure=name) if name in catalog.measures:
            return truth(catalog.measures[name].value, catalog)
    return _statement(node, catalog)


def _statement(node: ex.Expression, catalog: Catalog) -> Formula:
    match node:
        case ex.Consent(topic=topic, channel=channel):
            topics = catalog.topics
            channels = [channel] if channel else topics[topic].channels if topic in topics else [""]
            found = (terms.consent_term(topic, c or "") for c in channels)
            return some_of(Literal(t, YES, False) for t in found)
        case ex.Member(segment=name):
            if name in catalog.segments:
                return truth(catalog.segments[name].condition, catalog)
            return Literal(terms.member_term(name), YES, False)
        case ex.HashShare(low=low, high=high):
            share = Ranges(False, ((Fraction(low), 0), (Fraction(high), 0)))
            return Literal(terms.hash_term(node), share, False)
        case ex.TopShare(value=value, share=top):
            is_high = Literal(terms.rank_term(node), compared("<=", Fraction(top)), False)
            return all_of((is_high, known(value, catalog)))
        case ex.Aggregate(function="any"):
            return Literal(terms.count_term(node), compared(">=", 1), False)
    return _within(node, YES, False, catalog)


# --- comparisons ------------------------------------------------------------------------------

_MIRRORED: dict[str, ex.Comparison] = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _compare(node: ex.Compare, catalog: Catalog) -> Formula:
    if node.operator == "!=":
        equal = node.model_copy(update={"operator": "="})
        return negated(_compare(equal, catalog))
    left, right = _measured(node.left, catalog), _measured(node.right, catalog)
    if left.type.kind == "boolean" and right.type.kind == "boolean":
        return _same_truth(left, right, catalog)
    if node.operator == "matches":
        return _between_values(node.operator, left, right, catalog)
    bound = number_of(right)
    if left.type.kind == "list" and isinstance(right, ex.Constant) and node.operator == "contains":
        bound = list_text([str(right.value)])
    if bound is not None:
        return _within(left, _test(node.operator, bound), False, catalog)
    first = number_of(left)
    if first is not None and node.operator in _MIRRORED:
        return _within(right, _test(_MIRRORED[node.operator], first), False, catalog)
    return _between_values(node.operator, left, right, catalog)


def _measured(node: ex.Expression, catalog: Catalog) -> ex.Expression:
    while isinstance(node, ex.MeasureValue) and node.measure in catalog.measures:
        node = catalog.measures[node.measure].value
    return node


def _test(operator: str, bound: Value) -> Test:
    if operator == "contains":
        return str(bound)
    return prefixed(bound) if operator == "starts with" else compared(operator, bound)


def _same_truth(left: ex.Expression, right: ex.Expression, catalog: Catalog) -> Formula:
    both = all_of((truth(left, catalog), truth(right, catalog)))
    neither = all_of((_falsity(left, catalog), _falsity(right, catalog)))
    return some_of((both, neither))


def _falsity(node: ex.Expression, catalog: Catalog) -> Formula:
    """Return where a boolean is known and false; a condition is always known."""
    return all_of((negated(truth(node, catalog)), known(node, catalog)))


def _between_values(
    operator: str, left: ex.Expression, right: ex.Expression, catalog: Catalog
) -> Formula:
    parts = [known(left, catalog), known(right, catalog)]
    if operator in ("contains", "starts with", "matches"):
        compare = ex.Compare.model_validate({"operator": operator, "left": left, "right": right})
        return all_of((*parts, Literal(terms.opaque_term(compare), YES, False)))
    if left == right:
        return all_of(parts) if 0 in compared(operator, 0) else FALSE
    for value, anchor, word in ((left, right, operator), (right, left, _MIRRORED[operator])):
        away = terms.distance(anchor)
        if away is not None:
            return all_of((*parts, _away(value, away, word)))
    if repr(right) < repr(left):
        left, right, operator = right, left, _MIRRORED[operator]
    return all_of((*parts, Literal(terms.sign_term(left, right), compared(operator, 0), False)))


def _away(value: ex.Expression, away: tuple[str, str, int], operator: str) -> Formula:
    start, unit, count = away
    # Now itself is no days, no seconds and no months away: the same statement in all three.
    units = (unit,) if unit else ("second", "day", "month")
    test = compared(operator, count)
    return all_of(Literal(terms.distance_term(value, start, u), test, False) for u in units)


# --- values -----------------------------------------------------------------------------------


def _within(node: ex.Expression, test: Test, or_missing: bool, catalog: Catalog) -> Formula:
    """Return where the value of `node` passes a test, or is missing."""
    node = _measured(node, catalog)
    value = number_of(node)
    if value is not None:
        return TRUE if passes(value, test) else FALSE
    if isinstance(node, ex.Coalesce):
        missing = negated(known(node.value, catalog))
        default = _within(node.default, test, or_missing, catalog)
        return some_of((_within(node.value, test, False, catalog), all_of((missing, default))))
    if isinstance(node, ex.Cases) and len(node.cases) <= _CASES_MAX:
        return _by_cases(node, lambda v: _within(v, test, or_missing, catalog), catalog)
    if isinstance(node, _COMPUTED):
        passing = all_of((known(node, catalog), literal(_term(node), test, False)))
        return some_of((passing, negated(known(node, catalog)))) if or_missing else passing
    return literal(_term(node), test, or_missing)


_COMPUTED = (ex.Arithmetic, ex.Call, ex.Now, ex.Today)
# Each case says that none before it holds, so the formula grows with the square of their number.
_CASES_MAX = 20


def _by_cases(
    node: ex.Cases, holds: Callable[[ex.Expression], Formula], catalog: Catalog
) -> Formula:
    """Return where the value that is taken has a property."""
    found: list[Formula] = []
    none_before: list[Formula] = []
    for case in node.cases:
        taken = truth(case.condition, catalog)
        found.append(all_of((*none_before, taken, holds(case.value))))
        none_before.append(negated(taken))
    return some_of((*found, all_of((*none_before, holds(node.otherwise)))))


def known(node: ex.Expression, catalog: Catalog) -> Formula:
    """Return where the value of `node` is not missing; a condition never is (S1)."""
    node = _measured(node, catalog)
    match node:
        case ex.Coalesce(value=value, default=default):
            return some_of((known(value, catalog), known(default, catalog)))
        case ex.Cases(cases=cases) if len(cases) <= _CASES_MAX:
            return _by_cases(node, lambda v: known(v, catalog), catalog)
        case ex.Arithmetic(operator=operator, left=left, right=right):
            parts = [known(left, catalog), known(right, catalog)]
            return all_of([*parts, *([_computes(node)] if operator == "/" else [])])
        case ex.Call(function=function, arguments=arguments):
            parts = [known(a, catalog) for a in arguments]
            return all_of([*parts, *([_computes(node)] if function in PARTIAL else [])])
    if not node.is_nullable:
        return TRUE
    return Literal(_term(node), ALL, False)


def _computes(node: ex.Expression) -> Formula:
    return Literal(_term(node), ALL, False)


def _term(node: ex.Expression) -> Term:
    match node:
        case ex.Field(name=name):
            return terms.field_term(("field", name), node)
        case ex.TriggerField(events=events, name=name):
            return terms.field_term(("trigger", events, name), node)
        case ex.EventField(event=event, name=name):
            return terms.field_term(("event", event, name), node)
        case ex.Aggregate():
            return terms.aggregate_term(node)
    return terms.field_term(("value", node), node, is_free=False)
