"""Expressions back to the words of the language, and those words back to the same expressions."""

from typing import get_args

import pytest
from hypothesis import given, settings, strategies as st

from cij.compiler import expression as ex, program as pg, unparse
from cij.compiler.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    PERCENT,
    TEXT,
    TIME,
    Type,
    money,
)
from cij.compiler.unparse import duration_words, end_words, event_words, timer_words, words
from cij.grammar import syntax
from cij.grammar.parser import parse
from tests.draws import draws


def field(name: str, type: Type = INTEGER) -> ex.Field:
    return ex.Field(type=type, name=name)


def number(value: int) -> ex.Constant:
    return ex.Constant(type=INTEGER, value=value)


def constant(type: Type, value: bool | int | str) -> ex.Constant:
    return ex.Constant(type=type, value=value)


def days(count: int) -> ex.Period:
    return ex.Period(count=count, unit="day")


def flag(name: str) -> ex.Field:
    return field(name, BOOLEAN)


def sum_of(operator: str, left: ex.Expression, right: ex.Expression) -> ex.Arithmetic:
    return ex.Arithmetic(type=INTEGER, operator=operator, left=left, right=right)  # type: ignore[arg-type]


def compare(operator: str, left: ex.Expression, right: ex.Expression) -> ex.Compare:
    return ex.Compare(operator=operator, left=left, right=right)  # type: ignore[arg-type]


A, B, C = flag("a"), flag("b"), flag("c")
X, Y, Z = field("x"), field("y"), field("z")
RICH = compare(">", field("points"), number(1000))
BETWEEN = ex.And(items=(compare(">=", X, number(1)), compare("<=", X, number(5))))
ON_THE_WEB = compare(
    "=", ex.EventField(type=TEXT, event="purchase", name="channel"), constant(TEXT, "web")
)
LAST_VIEW = ex.Aggregate(
    type=DATETIME,
    function="last",
    event="viewed",
    value=ex.EventField(type=DATETIME, event="viewed", name="at"),
)


def bought(window: ex.Last | ex.Range | None = None, **more: object) -> ex.Aggregate:
    fields = {"type": INTEGER, "function": "count", "event": "purchase", "window": window}
    return ex.Aggregate.model_validate({**fields, **more})


CASES: list[tuple[ex.Expression, str]] = [
    (ex.And(items=(RICH, ex.Consent(topic="rewards"))), "points > 1000 and consent.rewards"),
    (ex.Consent(topic="news", channel="email"), "consent.news.email"),
    (
        compare(">=", bought(ex.Last(period=days(90)), where=ON_THE_WEB), number(3)),
        'count(purchase within last 90 days where channel = "web") >= 3',
    ),
    (bought(ex.Range(start=LAST_VIEW)), "count(purchase since last(viewed.at))"),
    (
        bought(ex.Range(start=ex.Now(), end=sum_of("-", ex.Now(), days(1)))),
        "count(purchase between now() and now() - 1 day)",
    ),
    (ex.Member(segment="employees"), "in segment employees"),
    (ex.Not(item=ex.Member(segment="employees")), "not in segment employees"),
    (ex.Not(item=ex.Known(value=X)), "x is unknown"),
    (ex.Known(value=ex.Coalesce(type=INTEGER, value=X, default=Y)), "x ?? y is known"),
    (ex.InSet(value=X, items=(number(1), number(2))), "x in [1, 2]"),
    (ex.Not(item=ex.InSet(value=X, items=(number(1),))), "x not in [1]"),
    (ex.TopShare(value=X, share="0.1"), "x in top 10%"),
    (ex.Not(item=ex.TopShare(value=X, share="0.125")), "x not in top 12.5%"),
    (BETWEEN, "x between 1 and 5"),
    (ex.Not(item=BETWEEN), "x not between 1 and 5"),
    (ex.And(items=(A, BETWEEN, B)), "a and x between 1 and 5 and b"),
    (ex.Or(items=(A, ex.And(items=(B, C)))), "a or b and c"),
    (ex.And(items=(A, ex.Or(items=(B, C)))), "a and (b or c)"),
    (ex.Not(item=ex.And(items=(A, B))), "not (a and b)"),
    (ex.Not(item=ex.Not(item=A)), "not (not a)"),
    (ex.Not(item=RICH), "not points > 1000"),
    (compare("=", compare("=", A, B), C), "(a = b) = c"),
    (sum_of("-", sum_of("-", X, Y), Z), "x - y - z"),
    (sum_of("-", X, sum_of("-", Y, Z)), "x - (y - z)"),
    (sum_of("*", sum_of("+", X, Y), Z), "(x + y) * z"),
    (sum_of("+", X, sum_of("*", Y, Z)), "x + y * z"),
    (sum_of("-", number(0), sum_of("+", X, Y)), "-(x + y)"),
    (sum_of("-", X, number(-5)), "x - -5"),
    (
        ex.Coalesce(type=INTEGER, value=X, default=ex.Coalesce(type=INTEGER, value=Y, default=Z)),
        "x ?? (y ?? z)",
    ),
    (ex.TriggerField(type=TEXT, events=("e",), name="locale"), "trigger.locale"),
    (ex.MeasureValue(type=INTEGER, measure="lifetime_value"), "lifetime_value"),
    (ex.Column(type=TEXT, source="shop", name="mail"), "mail"),
    (ex.Call(type=TEXT, function="lower", arguments=(X,)), "lower(x)"),
    (compare("starts with", field("zip", TEXT), constant(TEXT, "28")), 'zip starts with "28"'),
    (ex.HashShare(salt="tone", low="0.45", high="0.9"), "45% of people by `tone`"),
    (field("Puntos de fidelización"), "`Puntos de fidelización`"),
    (field("not"), "`not`"),
    (field("café"), "café"),
    (constant(TEXT, 'a "b"\\\n'), '"a \\"b\\"\\\\\\n"'),
    (constant(BOOLEAN, True), "true"),
    (constant(money("EUR"), "50"), "50 EUR"),
    (constant(PERCENT, "0.2"), "20%"),
    (constant(DECIMAL, "0.50"), "0.50"),
    (constant(DATE, "2026-12-31"), "2026-12-31"),
    (constant(DATETIME, "2026-12-31 09:00:00"), "2026-12-31 09:00"),
    (constant(TIME, "09:00:00"), "09:00"),
    (compare("<", ex.Today(), constant(DATE, "2026-12-31")), "today() < 2026-12-31"),
]


@pytest.mark.parametrize(("expression", "text"), CASES, ids=[text for _, text in CASES])
def test_an_expression_reads_as_it_was_written(expression: ex.Expression, text: str) -> None:
    assert words(expression) == text


def test_every_node_has_words() -> None:
    union = get_args(ex.Expression.__value__)[0]
    assert set(get_args(union)) == set(unparse._RULES)


@pytest.mark.parametrize(
    ("timer", "text"),
    [
        (pg.AfterPeriod(period=days(3)), "3 days"),
        (pg.AfterPeriod(period=days(1), at="09:00"), "1 day at 09:00"),
        (pg.AfterPeriod(period=days(1), at="09:00:00"), "1 day at 09:00"),
        (pg.UntilWeekday(weekday=1, at="09:00"), "until monday at 09:00"),
        (
            pg.UntilWeekday(weekday=1, at="09:00", zone="Asia/Tokyo"),
            'until monday at 09:00 in "Asia/Tokyo"',
        ),
        (
            pg.UntilMoment(
                moment=ex.Arithmetic(
                    type=DATETIME,
                    operator="-",
                    left=ex.TriggerField(type=DATETIME, events=("e",), name="departure"),
                    right=days(1),
                )
            ),
            "until trigger.departure - 1 day",
        ),
    ],
)
def test_timers_read_as_after_wait(timer: pg.Timer, text: str) -> None:
    assert timer_words(timer) == text


def test_durations_and_events_have_words() -> None:
    assert duration_words(ex.Period(count=1, unit="month")) == "1 month"
    assert duration_words(ex.Period(count=2, unit="week")) == "2 weeks"
    assert event_words("opened", "reward") == "opened(reward)"
    assert event_words("purchase", where=ON_THE_WEB) == 'purchase where channel = "web"'


# --- any expression ---------------------------------------------------------------------------

LEAVES: dict[str, ex.Expression] = {
    words(leaf): leaf
    for leaf in (A, X, number(7), number(-7), ex.Today(), ex.Member(segment="s"), BETWEEN)
}


def _other_than(kind: type, node: ex.Expression) -> ex.Expression:
    """`a and (b and c)` loses its parentheses: it means the same, and is another tree."""
    return ex.Not(item=node) if isinstance(node, kind) else node


def _larger(inner: st.SearchStrategy[ex.Expression]) -> st.SearchStrategy[ex.Expression]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        pair.map(lambda p: ex.And(items=(p[0], _other_than(ex.And, p[1])))),
        pair.map(lambda p: ex.Or(items=(p[0], _other_than(ex.Or, p[1])))),
        inner.map(lambda item: ex.Not(item=item)),
        inner.map(lambda value: ex.Known(value=value)),
        st.builds(sum_of, st.sampled_from("+-*/"), inner, inner),
        st.builds(compare, st.sampled_from(["=", ">", "contains"]), inner, inner),
        pair.map(lambda p: ex.Coalesce(type=INTEGER, value=p[0], default=p[1])),
        pair.map(lambda p: ex.InSet(value=p[0], items=(p[1],))),
        pair.map(lambda p: bought(ex.Range(start=p[0]), where=p[1])),
    )


# Drawn by name: what Hypothesis says about a strategy would hold the long text of the nodes.
EXPRESSIONS = st.recursive(st.sampled_from(list(LEAVES)).map(LEAVES.get), _larger, max_leaves=12)


def _parsed(text: str) -> syntax.Node:
    file, diagnostics = parse("t.journey", f"segment s {{\n  where {text}\n}}\n")
    assert not diagnostics, (text, diagnostics)
    (declaration,) = file.declarations
    return declaration


@settings(max_examples=draws(80))
@given(EXPRESSIONS)
def test_leaving_out_parentheses_changes_nothing(expression: ex.Expression) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unparse, "in_parentheses", lambda level, node: f"({words(node)})")
        everywhere = words(expression)
    assert _parsed(words(expression)) == _parsed(everywhere)


def test_an_end_at_midnight_is_that_of_the_day_before() -> None:
    assert end_words("2026-12-25T00:00:00") == "the end of 2026-12-24"
    assert end_words("2026-12-24T09:00:00") == "2026-12-24 09:00"
    # No date is before this one.
    assert end_words("0001-01-01T00:00:00") == "0001-01-01 00:00"
