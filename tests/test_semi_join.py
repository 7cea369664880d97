"""Very many asked at once: the same answers as when each is asked, also where rows say nothing."""

from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from hypothesis import given, settings, strategies as st

from cij.compiler.sql import query
from cij.compiler.sql.passes.semi_join import as_semi_join
from cij.runtime.engine import Engine, open_engine
from tests.draws import draws

_ASK = "SELECT c.id FROM customer AS c WHERE "
_EACH = "EXISTS(SELECT 1 FROM event_n AS e WHERE e.customer = c.id AND {})"
_ONCE = (
    "c.id IN (SELECT e.customer FROM event_n AS e JOIN customer AS c ON c.id = e.customer WHERE {})"
)
_LOOK = "e.at > (SELECT moment.at FROM moment WHERE moment.zone = c.zone AND moment.name = 'x')"
# What is asked of an event, besides whose it is.
_CHANGED = ("e.at > 2", "e.at > c.since", "e.at > 2 AND (e.at < c.since OR c.zone = 'a')", _LOOK)
_LEFT = (
    # Another row than the event's and the customer's, or another table.
    "EXISTS(SELECT 1 FROM event_n AS e WHERE e.customer = c.id AND e.at > p.since)",
    "EXISTS(SELECT 1 FROM event_n AS e WHERE e.customer = c.id AND e.at IN (SELECT o.at FROM o))",
    "EXISTS(SELECT 1 FROM event_n AS e JOIN b ON b.x = e.at WHERE e.customer = c.id AND e.at > 2)",
    # Not of the customer alone, or of nobody.
    "EXISTS(SELECT 1 FROM event_n AS e WHERE e.customer = c.id OR e.at > 2)",
    "EXISTS(SELECT 1 FROM event_n AS e WHERE e.at > 2 AND e.at < 9)",
    "EXISTS(SELECT COUNT(*) FROM event_n AS e WHERE e.customer = c.id AND e.at > 2 GROUP BY e.at)",
)


@pytest.mark.parametrize("test", _CHANGED)
def test_a_question_of_each_becomes_one_of_all(test: str) -> None:
    found = as_semi_join(query(_ASK + _EACH.format(test)))
    assert found.text() == query(_ASK + _ONCE.format(test)).text()


@pytest.mark.parametrize("text", _LEFT)
def test_what_asks_for_more_is_left_as_it_is(text: str) -> None:
    statement = query("SELECT c.id FROM customer AS c, passage AS p WHERE " + text)
    assert as_semi_join(statement).text() == statement.text()


# --- the same answers -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with closing(open_engine(None, is_tiny=True)) as found:
        found.execute(query("CREATE TABLE customer (id VARCHAR, zone VARCHAR, since INTEGER)"))
        found.execute(query("CREATE TABLE event_n (customer VARCHAR, at INTEGER)"))
        found.execute(query("CREATE TABLE moment (zone VARCHAR, name VARCHAR, at INTEGER)"))
        found.append("moment", {"zone": ["a", "b"], "name": ["x", "x"], "at": [2, 4]})
        yield found


_WHO = st.sampled_from(["ana", "bo", "cy", "di"])
_WHEN = st.none() | st.integers(0, 6)
_ZONE = st.sampled_from(["a", "b", "nowhere", None])


@pytest.mark.slow
@settings(max_examples=draws(50))
@given(
    people=st.dictionaries(_WHO, st.tuples(_ZONE, _WHEN)),
    events=st.lists(st.tuples(st.none() | _WHO, _WHEN), max_size=8),
    test=st.sampled_from(_CHANGED),
    form=st.sampled_from(["{}", "NOT {}", "CASE WHEN {} THEN FALSE ELSE TRUE END"]),
)
def test_the_answers_are_the_same(
    engine: Engine,
    people: dict[str, tuple[str | None, int | None]],
    events: list[tuple[str | None, int | None]],
    test: str,
    form: str,
) -> None:
    _fill(engine, "customer", ("id", "zone", "since"), [(k, *v) for k, v in people.items()])
    _fill(engine, "event_n", ("customer", "at"), events)
    statement = query(_ASK + form.format(_EACH.format(test)) + " ORDER BY c.id")
    assert as_semi_join(statement).text() != statement.text()
    answers = engine.rows(statement)
    assert engine.rows(as_semi_join(statement)) == answers


@pytest.mark.parametrize(("more", "is_looked_up"), [("", False), (", c.since", True)])
def test_those_who_are_woken_are_looked_up_for_more_than_their_id(
    more: str, is_looked_up: bool
) -> None:
    asked = _EACH.format("e.at > c.since")
    text = f"SELECT w.passage{more}, {asked} AS leaf FROM tick_ready AS w JOIN customer AS c ON c.id = w.customer"
    found = as_semi_join(query(text)).text()
    assert found.endswith('JOIN "customer" AS "c" ON "c"."id" = "w"."customer"') == is_looked_up
    assert ('"w"."customer" IN (SELECT' in found) != is_looked_up


def _fill(
    engine: Engine, table: str, names: tuple[str, ...], rows: Sequence[tuple[object, ...]]
) -> None:
    engine.execute(query("DELETE FROM {t}", t=table))
    if rows:
        engine.append(table, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
