"""The type of every kind of expression, decided without a database.

The tables in `fixtures/types` hold an expression a line: `EXPRESSION :: TYPE` for one that is well
typed, `EXPRESSION !! CODE WORDS` for one that is not, with words of its message. All stand over
`schema.journey`.
"""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from cij.compiler.compilation import Compilation, compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.types import NAMED

FOLDER = Path(__file__).parent / "fixtures" / "types"
SCHEMA = (FOLDER / "schema.journey").read_text(encoding="utf-8")
SETTINGS = ProjectSettings("types", "Europe/Madrid")
TABLE_MIN = 100

_LINE = re.compile(r"(?P<text>.*\S)\s+(?:::\s+(?P<type>.+)|!!\s+(?P<code>CIJ\d+)\s+(?P<words>.+))")


class Row(NamedTuple):
    """One line of a table; `type` for a good expression, `code` and `words` for a bad one."""

    place: str
    text: str
    type: str | None
    code: str | None
    words: str | None


def rows() -> list[Row]:
    return [row for file in sorted(FOLDER.glob("*.txt")) for row in rows_of(file)]


def rows_of(file: Path) -> list[Row]:
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line and not line.startswith("# "):
            match = _LINE.fullmatch(line)
            assert match, f"{file.name}:{number} is no row: {line}"
            found.append(Row(f"{file.stem}:{number}", **match.groupdict()))
    return found


ROWS = rows()
GOOD = [row for row in ROWS if row.type]
BAD = [row for row in ROWS if row.code]


def compiled(expression: str) -> Compilation:
    text = f"{SCHEMA}\nmeasure probe {{\n  value = {expression}\n}}\n"
    return compile_project(SETTINGS, {"a.journey": text}, {}, {})


@pytest.mark.parametrize("row", GOOD, ids=lambda row: f"{row.place} {row.text}")
def test_a_good_expression_has_its_type(row: Row) -> None:
    found = compiled(row.text)
    assert [f"{d.code} {d.message}" for d in found.diagnostics] == []
    assert str(found.model.measures["probe"].value.type) == row.type
    assert found.program is not None


@pytest.mark.parametrize("row", BAD, ids=lambda row: f"{row.place} {row.text}")
def test_a_bad_expression_is_one_mistake_in_its_place(row: Row) -> None:
    [found] = compiled(row.text).diagnostics
    assert found.code == row.code
    assert row.words and row.words in f"{found.message} {found.label}"
    first = SCHEMA.count("\n") + 3
    assert found.span.line == first and found.span.column > len("  value =")
    assert found.span.end_column <= len(f"  value = {row.text}") + 1


def test_the_tables_are_large_and_say_nothing_twice() -> None:
    assert len(GOOD) >= TABLE_MIN and len(BAD) >= TABLE_MIN
    texts = [row.text for row in ROWS]
    assert len(texts) == len(set(texts))


def test_the_tables_have_all_types() -> None:
    assert {*NAMED, "money EUR", "money USD", "duration"} <= {row.type for row in GOOD}
