"""Keys of the outbox (S19): they are not stored, and what has one is found by the numbers in it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

import pytest
from hypothesis import given, settings, strategies as st

from cij.compiler.sql import query
from cij.compiler.sql.outbox import having
from cij.compiler.sql.template import fill
from cij.runtime.engine import Engine, open_engine
from cij.runtime.store import prepare
from tests.draws import draws
from tests.outbox import put
from tests.testbed import TestBed

START = datetime(2026, 3, 2, 9)
# Names with what stands between the parts of a key, and with numbers.
ODD = """
message email `sale:2026:1` {
  topic = news
  locale "en" {
    subject = "Hi"
    body = "Hello"
  }
}

journey `spring:2026:1` {
  enter on visit
  again always
  steps {
    repeat up to 2 times every 1 hour {
      send email `sale:2026:1`
    }
  }
}
"""


def _bed() -> TestBed:
    bed = TestBed(ODD, START)
    bed.people("ana", "bob")
    bed.tick(START)
    for name in ("bob", "ana"):
        bed.event("visit", name, START)
    bed.run_to(datetime(2026, 3, 2, 12))
    return bed


def _keys(bed: TestBed, name: str) -> list[str]:
    return [
        k
        for k, c in bed.rows("SELECT o.key, o.customer FROM outbox AS o ORDER BY o.key")
        if c == name
    ]


def _listed(bed: TestBed) -> list[tuple[str, str]]:
    return bed.rows("SELECT s.address, s.reason FROM suppression AS s ORDER BY s.address")


def test_a_key_is_journey_passage_step_and_turn() -> None:
    bed = _bed()
    ana, bob = (
        [f"spring:2026:1:{passage}:send sale:2026:1:{turn}" for turn in range(2)]
        for passage in (1, 2)
    )
    assert [_keys(bed, "ana"), _keys(bed, "bob")] == [ana, bob]


def test_a_bounce_is_about_the_address_of_its_message() -> None:
    bed = _bed()
    for name in ("ana", "bob"):
        bed.change(name, email=f"new.{name}@example.com")
    bed.event("bounced", "ana", START, message_key=_keys(bed, "ana")[1], channel="email")
    assert _listed(bed) == [("ana@example.com", "hard bounce")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "key", [None, "", ":", "sent", "spring:2026:1:9:send sale:2026:1:0", "x:1:send sale:2026:1:0"]
)
def test_a_bounce_of_no_message_is_about_the_address_of_today(key: str | None) -> None:
    bed = _bed()
    bed.change("ana", email="new.ana@example.com")
    bed.event("bounced", "ana", START, message_key=key, channel="email")
    assert _listed(bed) == [("new.ana@example.com", "hard bounce")]


BEST = """
journey best {
  enter on visit
  steps {
    say: send best of (tip, text)
    look: wait for clicked(say) up to 1 day
  }
}
"""


@pytest.mark.parametrize(("is_clicked", "next_one"), [(True, "tip"), (False, "text")])
def test_a_reaction_counts_for_the_message_that_its_key_names(
    is_clicked: bool, next_one: str
) -> None:
    bed = TestBed(BEST, START)
    bed.people("ana", "bob", **{"phone": "+34600000001", "consent.news.sms": True})
    bed.tick(START)
    bed.event("visit", "ana", START)
    bed.tick(START)
    bed.engine.execute(query("UPDATE outbox_row SET outcome = 'delivered'"))
    if is_clicked:
        bed.event("clicked", "ana", START, message_key=_keys(bed, "ana")[0], channel="email")
    bed.event("visit", "bob", START)
    bed.tick(START)
    assert [message for _, message, _ in sorted(bed.sent())] == ["tip", next_one]


# --- any names and any keys -------------------------------------------------------------------

_NAMES = st.sampled_from(["a", "a:1", "1", "1:a", "a:1:1", "send x:0", "fr.send", "añ:2026"])
_NUMBERS = st.integers(0, 3)
_ROWS = st.lists(st.tuples(_NAMES, _NUMBERS, _NAMES, _NUMBERS), min_size=1, max_size=12)
_MADE_UP = st.lists(st.text("a1:. -9é", max_size=12) | st.just("1" * 30), max_size=5)

_FOUND = query(
    "SELECT h.key, h.channel, h.message, h.address FROM {rows} AS h ORDER BY ALL",
    rows=having(fill("SELECT g.key FROM given_key AS g")),
)
_EXPECTED = query(
    "SELECT o.key, o.channel, o.message, o.address FROM outbox AS o "
    "WHERE o.key IN (SELECT g.key FROM given_key AS g) ORDER BY ALL"
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with closing(open_engine(None, threads=1)) as found:
        prepare(found)
        found.execute(query("CREATE TABLE given_key (key VARCHAR)"))
        yield found


@settings(max_examples=draws(20), deadline=None)
@given(_ROWS, _MADE_UP, st.data())
def test_rows_are_found_by_their_keys(
    engine: Engine,
    rows: list[tuple[str, int, str, int]],
    made_up: list[str],
    data: st.DataObject,
) -> None:
    for table in ("outbox_row", "given_key"):
        engine.execute(query("DELETE FROM {t}", t=table))
    journeys, passages, steps, turns = map(list, zip(*rows, strict=True))
    columns = {"journey": journeys, "passage": passages, "step": steps, "turn": turns}
    put(engine, {**columns, "address": [f"{n}@example.com" for n in range(len(rows))]})
    keys = [":".join(map(str, row)) for row in rows]
    wanted = data.draw(st.lists(st.sampled_from(keys))) + made_up
    if wanted:
        engine.append("given_key", {"key": wanted})
    found = engine.rows(_FOUND)
    assert found == engine.rows(_EXPECTED)
    assert {row[0] for row in found} == {*keys} & {*wanted}
