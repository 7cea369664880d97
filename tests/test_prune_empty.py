"""What tables that hold nothing save: a statement does the same without asking them."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings, strategies as st

from cij.compiler.sql import Statement, query
from cij.compiler.sql.passes.prune_empty import asked_of, without
from cij.runtime.engine import Engine, open_engine
from cij.runtime.engine.duckdb.connection import DuckEngine
from tests.draws import draws

_TABLES = ("a", "b", "event_n")
_EMPTY = frozenset({"event_n"})
# (statement, what is left of it while `event_n` is empty)
_CASES = [
    ("INSERT INTO a SELECT b.x FROM b JOIN event_n AS n ON n.x = b.x", None),
    ("INSERT INTO a SELECT n.x FROM event_n AS n GROUP BY n.x", None),
    ("INSERT INTO a SELECT q.x FROM (SELECT n.x FROM event_n AS n) AS q, b", None),
    ("INSERT INTO a SELECT n.x FROM event_n AS n UNION ALL SELECT m.x FROM event_n AS m", None),
    ("INSERT INTO a SELECT COUNT(*) FROM event_n AS n", ...),
    ("INSERT INTO a SELECT n.x FROM event_n AS n UNION ALL SELECT b.x FROM b", ...),
    ("INSERT INTO a SELECT b.x FROM b LEFT JOIN event_n AS n ON n.x = b.x", ...),
    ("INSERT INTO a SELECT b.x FROM event_n AS n RIGHT JOIN b ON n.x = b.x", ...),
    ("INSERT INTO a SELECT b.x FROM b ANTI JOIN event_n AS n ON n.x = b.x", ...),
    ("INSERT INTO a SELECT (SELECT MAX(n.x) FROM event_n AS n) FROM b", ...),
    ("INSERT INTO a VALUES (7)", ...),
    (
        "INSERT INTO a SELECT b.x FROM b WHERE b.x IN (SELECT n.x FROM event_n AS n) OR b.x > 1",
        "INSERT INTO a SELECT b.x FROM b WHERE FALSE OR b.x > 1",
    ),
    (
        "INSERT INTO a SELECT b.x FROM b WHERE NOT EXISTS(SELECT 1 FROM event_n AS n)",
        "INSERT INTO a SELECT b.x FROM b WHERE NOT FALSE",
    ),
    (
        "INSERT INTO a SELECT b.x FROM b WHERE NOT b.x IN (SELECT n.x FROM event_n AS n)",
        "INSERT INTO a SELECT b.x FROM b WHERE NOT FALSE",
    ),
    ("UPDATE a SET x = 9 WHERE EXISTS(SELECT COUNT(*) FROM event_n AS n)", ...),
    (
        "DELETE FROM a WHERE a.x IN (SELECT n.x FROM event_n AS n, b WHERE b.x = n.x)",
        "DELETE FROM a WHERE FALSE",
    ),
]


@pytest.mark.parametrize(("text", "expected"), _CASES)
def test_what_is_left(text: str, expected: object) -> None:
    statement = query(text)
    found = without(statement, _EMPTY)
    if expected is None:
        assert found is None
    else:
        wanted = statement if expected is ... else query(str(expected))
        assert found is not None and found.text() == wanted.text()
    assert without(statement, frozenset()) is statement
    assert ("event_n" in asked_of(statement)) == ("event_n" in text)


@pytest.fixture(name="engine", scope="module")
def _engine() -> Iterator[Engine]:
    with closing(open_engine(None, is_tiny=True)) as engine:
        for table in _TABLES:
            engine.execute(query("CREATE TABLE {t} (x BIGINT)", t=table))
        yield engine


_ROWS = st.lists(st.integers(0, 3) | st.none(), max_size=3)


@pytest.mark.slow
@settings(max_examples=draws(50), deadline=None)
@given(text=st.sampled_from([text for text, _ in _CASES]), a=_ROWS, b=_ROWS, later=st.booleans())
def test_the_rows_are_the_same(
    engine: DuckEngine, text: str, a: list[int], b: list[int], later: bool
) -> None:
    """As DuckDB itself has it; then again when there is something in the table."""
    statement = query(text)
    for n in ([], [1, 2]) if later else ([],):
        _fill(engine, a, b, n)
        changed = engine.execute(statement)
        found = _rows(engine)
        _fill(engine, a, b, n)
        told = engine.run_text(text, None).fetchall()
        assert (found, [(changed,)]) == (_rows(engine), told)


def _fill(engine: Engine, *rows: list[int]) -> None:
    for table, values in zip(_TABLES, rows, strict=True):
        engine.execute(query("DELETE FROM {t}", t=table))
        if values:
            engine.append(table, {"x": values})


def _rows(engine: Engine) -> list[list[tuple[object, ...]]]:
    return [engine.rows(query("SELECT t.x FROM {t} AS t ORDER BY ALL", t=t)) for t in _TABLES]


def test_what_is_taken_back_was_never_there(engine: Engine) -> None:
    _fill(engine, [], [1], [])
    statement: Statement = query(_CASES[-2][0].replace("COUNT(*)", "n.x"))
    _fill(engine, [1], [1], [])
    with pytest.raises(ZeroDivisionError), engine.transaction():
        engine.append("event_n", {"x": [5]})
        assert not engine.is_empty("event_n")
        assert engine.execute(statement) == 1
        raise ZeroDivisionError
    assert engine.is_empty("event_n")
    assert engine.execute(statement) == 0
    assert _rows(engine) == [[(1,)], [(1,)], []]
