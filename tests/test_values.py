"""What data says is what is stored: no value changes in silence, and none stops the others (S24, S30)."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cij.compiler.program import Source
from cij.compiler.sql import query
from cij.compiler.sql.columns import SQL_TYPES
from cij.compiler.types import TEXT, list_of
from cij.runtime.engine import Engine, open_engine
from cij.runtime.event_values import Unfit, read_value
from cij.runtime.sources.load import load
from cij.runtime.sources.loader import open_loader
from cij.runtime.sources.sniff import sniff_columns
from cij.runtime.store import schema
from tests.builders import compiled, source, type_of, write_csv

NOW = datetime(2026, 3, 2, 10)


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = open_engine(None)
    for table in (schema.SOURCE_STATE, schema.QUARANTINE, schema.META):
        engine.execute(table.ddl)
    yield engine
    engine.close()


def loaded(engine: Engine, of: Source, folder: Path) -> list[tuple[Any, ...]]:
    with engine.transaction(), open_loader() as loader:
        load(engine, loader, of, folder, NOW)
    return sorted(engine.rows(query("SELECT * FROM {t}", t=f"source_{of.name}")), key=repr)


def bad(engine: Engine) -> list[tuple[Any, ...]]:
    return engine.rows(query("SELECT q.line, q.reason FROM quarantine AS q ORDER BY q.line"))


# --- one form for each type -------------------------------------------------------------------

# Type, text, and the value that it is, or None where it is none.
WRITTEN: list[tuple[str, str, object]] = [
    ("decimal", "8.852203", Decimal("8.852203")),
    ("decimal", "0.0000000001", Decimal("0.0000000001")),
    ("decimal", "0.00000000001", None),
    ("decimal", "1.50000000000000000000", Decimal("1.5")),
    ("decimal", "1234567890123456789012345678.0123456789", Decimal("1234567890123456789012345678.0123456789")),
    ("decimal", "12345678901234567890123456789", None),
    ("decimal", "99999999999999999999", Decimal(99999999999999999999)),
    ("decimal", "+.5", Decimal("0.5")),
    ("decimal", "007.5", Decimal("7.5")),
    ("decimal", "1e3", None),
    ("decimal", "1_000.5", None),
    ("decimal", "1,5", None),
    ("decimal", "\u0661", None),
    ("decimal", "nan", None),
    ("decimal", "infinity", None),
    ("money", "49.90", Decimal("49.9")),
    ("money", "0.00001", Decimal("0.00001")),
    ("money", "1e3", None),
    ("percent", "12.34567891%", Decimal("0.1234567891")),
    ("percent", "12.345678912%", None),
    ("percent", "10 %", Decimal("0.1")),
    ("percent", "10%%", None),
    ("percent", "%", None),
    ("percent", "1e1%", None),
    ("integer", "9223372036854775807", 9223372036854775807),
    ("integer", "9223372036854775808", None),
    ("integer", "1_000", None),
    ("integer", "1e3", None),
    ("integer", "\t12\u2028", 12),
    ("integer", "2.50", None),
    ("boolean", " Yes ", True),
    ("boolean", "on", None),
    ("date", "9999-12-31", date(9999, 12, 31)),
    ("date", "0001-01-01", date(1, 1, 1)),
    ("date", "10000-01-01", None),
    ("date", "2026-02-28T00:00:00", date(2026, 2, 28)),
    ("date", "2026-W09-1", None),
    ("date", "20260228", None),
    ("datetime", "9999-12-31 23:59:59", datetime(9999, 12, 31, 23, 59, 59)),
    ("datetime", "2026-02-28T10:00+05:30", datetime(2026, 2, 28, 4, 30)),
    ("datetime", "9999-12-31T23:59:59-05:00", None),
    ("datetime", "20260228T100000", None),
    ("datetime", "2026-02-28 10:00:00.1234567", None),
    ("time", "0930", None),
]  # fmt: skip


@pytest.mark.parametrize(("type", "written", "value"), WRITTEN)
def test_a_file_and_an_event_read_the_same(
    engine: Engine, tmp_path: Path, type: str, written: str, value: object
) -> None:
    write_csv(tmp_path, "shop", "id,x", f'1,"{written}"')
    [*rows] = loaded(engine, source("shop", {"x": type}, tolerate="1"), tmp_path)
    assert rows == ([("1", value)] if value is not None else [])
    try:
        found = read_value("x", type_of(type), written, "UTC")
    except Unfit:
        found = None
    is_number = SQL_TYPES[type_of(type).kind].startswith("DECIMAL")
    assert (Decimal(str(found)) if is_number and found is not None else found) == value


def test_json_numbers_keep_their_digits() -> None:
    assert read_value("x", type_of("decimal"), Decimal("0.0000000001"), "UTC") == "0.0000000001"
    assert read_value("x", type_of("decimal"), 1e-05, "UTC") == "0.00001"
    assert read_value("x", type_of("integer"), 3.0, "UTC") == 3


@pytest.mark.parametrize(
    ("given", "items"),
    [
        (["a", "b"], "ab"),
        ('["a", "b"]', "ab"),
        ("a,b", "ab"),
        ("a, b", "ab"),
        ("a", "a"),
        ("[]", ""),
    ],
)
def test_a_list_in_a_command(given: object, items: str) -> None:
    found = read_value("x", list_of(TEXT), given, "UTC")
    assert isinstance(found, str) and found.replace("\u241f", "") == items


def test_a_list_that_cannot_be_read_is_told() -> None:
    with pytest.raises(Unfit, match=r"x: .* is not a list: JSON, or with commas"):
        read_value("x", list_of(TEXT), '["a"', "UTC")


# --- dates in a format ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "written", "value"),
    [
        ("%d.%m.%Y", "02.03.1990", date(1990, 3, 2)),
        ("%d.%m.%Y", "02.03.90", None),
        ("%d.%m.%Y", "2.3.202", None),
        ("%d.%m.%y", "02.03.90", date(1990, 3, 2)),
        ("%d.%m.%Y", "1990-03-02", date(1990, 3, 2)),
        ("%Y-%d-%m", "1990-03-02", date(1990, 2, 3)),
    ],
)
@pytest.mark.parametrize("type", ["date", "datetime"])
def test_a_year_has_four_digits(
    engine: Engine, tmp_path: Path, type: str, form: str, written: str, value: date | None
) -> None:
    write_csv(tmp_path, "shop", "id,x", f"1,{written}")
    of = source("shop", {"x": type}, tolerate="1", date_format=form)
    wanted = datetime(value.year, value.month, value.day) if value and type == "datetime" else value
    assert loaded(engine, of, tmp_path) == ([("1", wanted)] if value else [])


# --- types that are found ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "type"),
    [
        (["+4930111", "+4930222"], "text"),
        (["007", "8"], "text"),
        (["1", "-2"], "integer"),
        (["12345678901234567890", "1"], "decimal"),
        (["0.00001", "1"], "decimal"),
        (["0.00000000001", "1"], "text"),
        (["1e3", "1"], "text"),
    ],
)
def test_types_that_lose_nothing_are_found(tmp_path: Path, values: list[str], type: str) -> None:
    write_csv(tmp_path, "shop", "id,x", *(f"k{i},{v}" for i, v in enumerate(values)))
    of = source("shop", {}).model_copy(update={"columns": ()})
    with open_loader() as loader:
        found = {c.name: str(c.type) for c in sniff_columns(loader, of, tmp_path)}
    assert found["x"] == type


# --- lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"2,y\rz,1", "carriage return"),
        (b"2,y,1,", "empty cells at its end"),
        (b"2,y,1,,", "empty cells at its end"),
        (b'2,"y,y",1,', "empty cells at its end"),
        (b"2,y,1,9", "too many columns"),
        (b"2,y", "too few columns"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_line_that_is_no_row_is_bad_alone(
    engine: Engine, tmp_path: Path, line: bytes, reason: str, end: bytes
) -> None:
    content = end.join([b"id,a,n", b"1,x,1", line, b'3,"z\rz",', b"4,w,many", b""])
    (tmp_path / "shop.csv").write_bytes(content)
    of = source("shop", {"a": "text", "n": "integer"}, tolerate="1")
    assert loaded(engine, of, tmp_path) == [("1", "x", 1), ("3", "z\rz", None)]
    [(first, told), (second, _)] = bad(engine)
    assert (first, second) == (3, 5)
    assert reason in told


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-16", "latin-1"])
@pytest.mark.parametrize("last", ["\n", "\r\n"])
def test_mixed_line_ends_in_any_encoding(
    engine: Engine, tmp_path: Path, encoding: str, last: str
) -> None:
    text = f'id,a\r\n1,x\n2,"y\rz"\r\n3,\xfc{last}'
    (tmp_path / "shop.csv").write_bytes(text.encode(encoding))
    of = source("shop", {"a": "text"}, encoding=encoding)
    assert loaded(engine, of, tmp_path) == [("1", "x"), ("2", "y\rz"), ("3", "\xfc")]


# --- calculating ------------------------------------------------------------------------------

LARGE = "9999999999999999999999999999.9999999999"


TABLE = """
source t {{
  kind = csv
  path = "t.csv"
  key = id
  columns {{
    id = text
    i = integer
    d = decimal
  }}
  where {condition}
}}

profile customer {{
  from t {{
    name = id
  }}
}}
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("d / 12 > 1", ["large", "small"]),
        ("d / d = 1", ["one", "small"]),
        ("i + 1 > 0", ["large", "one", "small"]),
        ("i * i > 0", ["large", "one", "small"]),
        ("i * i * i > 0", ["one", "small"]),
        ("d * d > 0", ["one", "small"]),
        ("d + d > 0", ["one", "small"]),
        ("not (d + d > 0)", ["large"]),
        ("d - d = 0", ["large", "one", "small"]),
        ("0 - i < 0", ["large", "one", "small"]),
        ("abs(i) > 0", ["large", "one", "small"]),
        ("i / d >= 0", ["large", "one", "small"]),
        ("d / 0.000001 > 0", ["one", "small"]),
        ("round(d) > 0", ["large", "one", "small"]),
        ("i / (i - i) is unknown", ["large", "one", "small"]),
    ],
)
def test_what_is_too_large_is_unknown_for_one_person(
    engine: Engine, tmp_path: Path, text: str, wanted: list[str]
) -> None:
    lines = [f"large,9223372036854775807,{LARGE}", "one,1,1", "small,12,10000000"]
    write_csv(tmp_path, "t", "id,i,d", *lines)
    [of] = compiled(TABLE.format(condition=text)).sources
    assert [row[0] for row in loaded(engine, of, tmp_path)] == wanted
