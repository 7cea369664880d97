"""Every limit of docs/limits.md: what is above it is refused quickly, and what is below it works."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from cij.app.journey_file import read_file
from cij.cli import failures
from cij.cli.render.diagnostic_text import render_text
from cij.compiler.addresses import ADDRESS_MAX, canonical, told_address
from cij.compiler.mistake_list import MistakeList
from cij.compiler.naming import near
from cij.compiler.program import Content
from cij.compiler.types import Type
from cij.compiler.written_values import plain_number
from cij.grammar import codes, parser
from cij.grammar.recovery import MISTAKES_MAX
from cij.grammar.span import Span
from cij.runtime.delivery.render import render
from cij.runtime.engine import open_engine
from cij.runtime.errors import PermanentDelivery, StoreError
from cij.runtime.event_values import Unfit, read_value
from cij.runtime.outside_json import read_json

PAGE = Path(__file__).parents[2] / "docs" / "limits.md"
# Far above what each takes, and far below what it took without a limit.
QUICK_S = 3.0


@contextmanager
def quickly() -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < QUICK_S


def test_the_page_names_a_test_for_each_limit() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 12
    texts = "".join(p.read_text() for p in (PAGE.parents[1] / "tests").rglob("test_*.py"))
    for row in rows:
        names = re.findall(r"`(test_\w+)`", row.split("|")[4])
        assert names, f"no test: {row}"
        for name in names:
            assert f"def {name}(" in texts, name


def test_exponents_are_bounded_before_a_number_is_written_out() -> None:
    with quickly():
        for text in (
            "1e-999999999",
            "1e999999999",
            "0e-999999999",
            "-5E+99999999",
            "NaN",
            "1e-101",
        ):
            number = Decimal(text)
            assert plain_number(number) == str(number)
            for kind in ("decimal", "integer", "percent", "money"):
                with pytest.raises(Unfit):
                    read_value("x", Type(kind=kind), number, "UTC")
        assert read_json('{"a": 1e-999999999}', is_exact=True) == {"a": Decimal("1e-999999999")}
    assert plain_number(Decimal("1E+3")) == "1000"
    assert read_value("x", Type(kind="decimal"), Decimal("1e-5"), "UTC") == "0.00001"


def test_digits_are_bounded() -> None:
    many = "9" * 1_000_000
    with quickly():
        for given in (many, f"{many}.5", Decimal(many), f"0.{many}"):
            with pytest.raises(Unfit):
                read_value("x", Type(kind="decimal"), given, "UTC")
        with pytest.raises(ValueError, match="limit"):
            read_json(many)
    assert read_value("x", Type(kind="decimal"), "9" * 28, "UTC") == "9" * 28


def test_nesting_of_json_is_bounded() -> None:
    with quickly():
        for depth in (65, 100_000):
            with pytest.raises(ValueError, match="nested too deep"):
                read_json("[" * depth + "]" * depth)
    assert read_json("[" * 64 + "]" * 64)


def test_addresses_are_measured_before_any_pattern() -> None:
    long = "a@" + "." * 1_000_000 + "@"
    with quickly():
        for field in ("email", "phone"):
            assert told_address(field, long, "ES") is None
            assert canonical(field, long, "ES") == long
            assert told_address(field, "1" * 1_000_000, "ES") is None
    assert told_address("email", "a" * (ADDRESS_MAX - 6) + "@b.com", None)


@pytest.mark.parametrize(
    "body",
    [
        "{{ (1..99999999) | join }}",
        "{{ (1..n) | sort }}",
        "{{ (1..99999999999999999999999) }}",
        "{% if (1..999999999) contains 5.5 %}a{% endif %}",
        "{% for i in (1..n) %}{% endfor %}",
        "{% for i in (1..200) %}{% for j in (1..200) %}{% endfor %}{% endfor %}",
        "{% for i in (1..9999) %}{{ x }}{% endfor %}",
        "{{ x | split: '' | join: x }}",
        "{% assign a = x | replace: 'y', x | replace: 'y', x %}{{ a }}",
        "{{ '2026-01-01' | date: form }}",
        "{% assign a = x | replace: 'y', x %}{% assign b = a | append: a %}{{ b | append: b }}",
    ],
)
def test_what_a_template_makes_is_bounded(body: str) -> None:
    content = Content(locale="en", subject="s", body=body, format="text")
    values = {"n": 10**12, "x": "y" * 100_000, "form": "%A" * 1_000_000}
    with quickly(), pytest.raises(PermanentDelivery, match="cannot be written"):
        render(content, values)


def test_words_that_look_like_marks_are_text() -> None:
    for word in ("cijmark0x", "cijmark5x", f"cijmark{'9' * 5000}x", "cijurl7x"):
        content = Content(locale="en", subject=word, body=f"a {word} b", format="html")
        found = render(content, {})
        assert found.html == f"a {word} b" and found.subject == word


def test_a_long_template_of_the_largest_size_is_written() -> None:
    body = "{% for i in (1..9999) %}{{ x }}{% endfor %}"
    found = render(Content(locale="en", subject="s", body=body, format="text"), {"x": "y" * 100})
    assert len(found.text) == 999_900


def test_suggestions_for_misspelt_names_take_no_square_of_time() -> None:
    names = [f"segment_{i}" for i in range(20_000)]
    with quickly():
        for i in range(0, 20_000, 100):
            assert f"segment_{i}" in near(f"segmnt_{i}", names)
            assert f"segment_{i}" in near(f"Segment_{i}", names)
        assert near("x" * 5_000_000, names) == []
        assert near("x" * 5_000, ["x" * 4_999]) == []
    assert near("emial", ["email", "name"]) == ["email"]


def test_many_mistakes_take_no_square_of_time() -> None:
    lines = [f"x{i} = 1" for i in range(3_000)]
    found = MistakeList()
    with quickly():
        for i in range(len(lines)):
            place = Span("a.journey", 0, 2, i + 1, 1, i + 1, 3)
            mistake = codes.UNKNOWN_NAME.at(place, f"there is no `x{i}`")
            for _ in range(2):
                if mistake not in found:
                    found.append(mistake)
        assert len(found) == len(lines)
        assert "x2999 = 1" in render_text(found, {"a.journey": "\n".join(lines)})


@pytest.mark.slow
def test_words_and_signs_of_a_file_are_counted_before_it_is_read() -> None:
    with quickly():
        text = "segment s { where " + "a." * 2_000_000 + "a = 1 }"
        node, faults = parser.parse("a.journey", text)
    assert not node.declarations
    assert ["more than 1500000 words and signs" in fault.message for fault in faults] == [True]


def test_bug_reports_are_short_and_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for number in range(30):
        path = Path(failures._written("begin" + "x" * 1_000_000 + f"end {number}"))
        os.utime(path, (number, number))
    (tmp_path / "cij-bug-notes.md").write_text("not ours")
    last = Path(failures._written("the last"))
    reports = list(tmp_path.glob("cij-bug-*.txt"))
    assert len(reports) == 20 and last in reports
    long = max(reports, key=lambda path: path.stat().st_size).read_text()
    assert len(long) < 110_000 and long.startswith("begin") and "end " in long
    assert (tmp_path / "cij-bug-notes.md").exists()


def test_mistakes_are_bounded() -> None:
    with quickly():
        _, faults = parser.parse("a.journey", "segment s { where ) }\n" * 2_000)
    assert len(faults) == MISTAKES_MAX


def test_files_are_measured_before_they_are_read(tmp_path: Path) -> None:
    file = tmp_path / "a.journey"
    with file.open("wb") as opened:
        opened.truncate(50_000_000_000)
    with quickly():
        found = read_file(file, file.name)
    assert "larger than" in str(found)


def test_a_state_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "state.duckdb")
    with pytest.raises(StoreError, match="no ordinary file"):
        open_engine(tmp_path / "state.duckdb")
