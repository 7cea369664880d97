"""Names as numbers: what a number stands for is said, and a name stays a name whatever is in it."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, strategies as st

from cij.compiler.sql import interning, query
from cij.runtime import store
from cij.runtime.engine import Engine, open_engine
from cij.runtime.store.interning import keep_names

_SAID = query(
    "SELECT {name} FROM (SELECT $number AS n) AS r", name=interning.texts_of("r", "n")["n"]
)
_ALL = query("SELECT COUNT(*), COUNT(DISTINCT l.id) FROM name AS l")
# Whatever can be written in a file of text.
_NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with closing(open_engine(None, is_tiny=True)) as found:
        store.prepare(found)
        yield found


@given(name=_NAMES | st.sampled_from(["*/ 1; DROP TABLE name; --", "/*", "*/*", "a*", "--"]))
def test_a_name_beside_its_number_is_a_comment_and_nothing_else(engine: Engine, name: str) -> None:
    assert engine.rows(query("SELECT {n} AS n", n=interning.numbered(name))) == [
        (interning.number_of(name),)
    ]


@given(found=st.lists(_NAMES, max_size=5))
def test_names_are_kept_once_and_said(engine: Engine, found: list[str]) -> None:
    for _ in range(2):
        keep_names(engine, found)
    for name in found:
        assert engine.rows(_SAID, {"number": interning.number_of(name)}) == [(name,)]
    count, different = engine.rows(_ALL)[0]
    assert count == different


def test_a_number_is_that_of_every_version_of_cij() -> None:
    """State files hold numbers, so they must never change."""
    assert interning.number_of("timer") == 925857823653681719
    assert interning.number_of(":entering") == 102085211980054421
