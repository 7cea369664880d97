"""Loading sources: types, missing values, zones, quarantine, tolerance, and what a file can be."""

import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cij.compiler.expression import Not
from cij.compiler.program import Source
from cij.runtime.engine import Engine
from cij.runtime.errors import DataError
from cij.runtime.sources.load import SourceReport, load
from cij.runtime.sources.loader import open_loader
from tests.builders import column, equals, source, text, write_csv
from tests.loading import NOW, bad, failure, loaded, opened, rows


@pytest.fixture
def engine() -> Iterator[Engine]:
    with opened() as engine:
        yield engine


# --- values -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("type", "written", "value"),
    [
        ("text", "  e\u0301 ", "  é "),
        ("integer", " 12 ", 12),
        ("integer", "-3.0", -3),
        ("decimal", "1.25", Decimal("1.2500")),
        ("money", "20000.0", Decimal("20000.0000")),
        ("percent", "0.1", Decimal("0.100000")),
        ("percent", "12.5%", Decimal("0.125000")),
        ("boolean", "YES", True),
        ("boolean", "f", False),
        ("date", "2026-02-28", date(2026, 2, 28)),
        ("date", "2026-02-28T00:00:00", date(2026, 2, 28)),
        ("time", "9:30", time(9, 30)),
        ("datetime", "2026-02-28", datetime(2026, 2, 28)),
        ("datetime", "2026-02-28 10:00:00.5", datetime(2026, 2, 28, 10, 0, 0, 500000)),
        ("datetime", "2026-02-28T10:00:00Z", datetime(2026, 2, 28, 10)),
        ("datetime", "2026-02-28T10:00+05:30", datetime(2026, 2, 28, 4, 30)),
        ("datetime", "2026-02-28 10:00:00-0330", datetime(2026, 2, 28, 13, 30)),
        ("datetime", "2026-02-28 10:00:00 +02", datetime(2026, 2, 28, 8)),
        ("datetime", "", None),
        ("text", '""', None),
        ("integer", "  ", None),
    ],
)
def test_a_text_becomes_a_value(
    engine: Engine, tmp_path: Path, type: str, written: str, value: object
) -> None:
    write_csv(tmp_path, "shop", "id,x", f"1,{written}")
    loaded(engine, source("shop", {"x": type}), tmp_path)
    assert rows(engine, "source_shop") == [("1", value)]


@pytest.mark.parametrize(
    ("type", "written"),
    [
        ("integer", "1.6"),
        ("integer", "1e3"),
        ("integer", "0x10"),
        ("integer", "99999999999999999999"),
        ("decimal", '"1,5"'),
        ("decimal", "nan"),
        ("money", "10 EUR"),
        ("percent", "ten%"),
        ("boolean", "maybe"),
        ("date", "2026-02-30"),
        ("date", "2026-02-28 10:00"),
        ("date", "infinity"),
        ("date", "0000-01-01"),
        ("time", "25:00"),
        ("datetime", "yesterday"),
        ("datetime", "epoch"),
        ("datetime", "2026-02-28 10:00:00 UTC+2"),
    ],
)
def test_a_text_that_does_not_fit_is_not_bent(
    engine: Engine, tmp_path: Path, type: str, written: str
) -> None:
    write_csv(tmp_path, "shop", "id,x", f"1,{written}")
    report = loaded(engine, source("shop", {"x": type}, tolerate="1"), tmp_path)
    assert (report.read, report.kept, report.bad) == (1, 0, 1)
    assert bad(engine)[0][2].startswith(f'column x: "{written.strip(chr(34))}" is not ')


def test_a_format_may_be_given(engine: Engine, tmp_path: Path) -> None:
    write_csv(tmp_path, "shop", "id,x,y", "1,5/8/1986,5/8/1986", "2,2018-05-08,2018-05-08")
    of = source("shop", {"x": "date", "y": "datetime"}, date_format="%m/%d/%Y")
    loaded(engine, of, tmp_path)
    assert rows(engine, "source_shop") == [
        ("1", date(1986, 5, 8), datetime(1986, 5, 8)),
        ("2", date(2018, 5, 8), datetime(2018, 5, 8)),
    ]


def test_a_time_without_offset_is_local_to_the_source(engine: Engine, tmp_path: Path) -> None:
    write_csv(
        tmp_path,
        "shop",
        "id,x,y",
        "a-winter,2026-01-15 12:00,2026-07-15 12:00",
        "b-gap,2026-03-29 02:30,2026-03-29 02:30Z",
        "c-twice,2026-10-25 02:30,2026-10-25 02:30+01:00",
        "d-unknown,,",
    )
    loaded(
        engine,
        source("shop", {"x": "datetime", "y": "datetime"}, timezone="Europe/Berlin"),
        tmp_path,
    )
    assert rows(engine, "source_shop") == [
        ("a-winter", datetime(2026, 1, 15, 11), datetime(2026, 7, 15, 10)),
        ("b-gap", datetime(2026, 3, 29, 1, 30), datetime(2026, 3, 29, 2, 30)),
        ("c-twice", datetime(2026, 10, 25, 0, 30), datetime(2026, 10, 25, 1, 30)),
        ("d-unknown", None, None),
    ]


def test_only_declared_columns_are_kept_in_their_order(engine: Engine, tmp_path: Path) -> None:
    write_csv(tmp_path, "shop", "b,more,id,a", "x,-,1,y")
    loaded(engine, source("shop", {"a": "text", "b": "text"}), tmp_path)
    assert rows(engine, "source_shop") == [("1", "y", "x")]


def test_delimiter_quote_null_and_encoding(engine: Engine, tmp_path: Path) -> None:
    lines = "id;näme;n\r\n1;'a;ö';NA\r\n2;NA;7\r\n"
    (tmp_path / "shop.csv").write_bytes(lines.encode("windows-1252"))
    settings: dict[str, Any] = {
        "delimiter": ";",
        "quote": "'",
        "encoding": "windows-1252",
        "null": "NA",
    }
    loaded(engine, source("shop", {"näme": "text", "n": "integer"}, **settings), tmp_path)
    assert rows(engine, "source_shop") == [("1", "a;ö", None), ("2", None, 7)]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfid,x\r\n1,a\r\n2,b",
        b"id,x\r\n1,a\n2,b\r\n",
        b"id,x\r1,a\r2,b\r",
        b'"id","x"\n\n1,"a"\n\n\n2,b\n',
    ],
)
def test_files_of_all_sorts(engine: Engine, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "shop.csv").write_bytes(content)
    loaded(engine, source("shop", {"x": "text"}), tmp_path)
    assert rows(engine, "source_shop") == [("1", "a"), ("2", "b")]


def test_the_filter_drops_rows_silently(engine: Engine, tmp_path: Path) -> None:
    write_csv(tmp_path, "shop", "id,x", "1,a", "2,b", "3,")
    of = source("shop", {"x": "text"}, where=Not(item=equals(column("shop", "x"), text("a"))))
    report = loaded(engine, of, tmp_path)
    assert rows(engine, "source_shop") == [("2", "b"), ("3", None)]
    assert (report.read, report.kept, report.bad, report.dropped) == (3, 2, 0, 1)


# --- quarantine -------------------------------------------------------------------------------


def test_bad_rows_tell_their_line(engine: Engine, tmp_path: Path) -> None:
    write_csv(
        tmp_path,
        "shop",
        "id,x,note",  # 1
        '1,7,"two',  # 2
        'lines"',
        "2,seven,",  # 4
        "",
        "3,8",  # 6
        ",9,",  # 7
        '1,8,"again',  # 8
        'two lines"',
        "4,8,a,b",  # 10
        '5,8,"open "quote"',  # 11
        "6,,",  # 12
        "7,10,é",
        "8,x,",  # 14
    )
    of = source("shop", {"x": "integer!", "note": "text"}, tolerate="0.9")
    report = loaded(engine, of, tmp_path)
    assert rows(engine, "source_shop") == [("1", 7, "two\nlines"), ("7", 10, "é")]
    assert [(line, reason.split(":")[0]) for _, line, reason, _ in bad(engine)] == [
        (4, "column x"),
        (6, "too few columns"),
        (7, "the key id is missing"),
        (8, "the key id is that of line 2 again (line 8)"),
        (10, "too many columns"),
        (11, "a quote is not closed"),
        (12, "x is missing"),
        (14, "column x"),
    ]
    assert bad(engine)[0] == (
        "shop.csv",
        4,
        'column x: "seven" is not a whole number',
        "id=2, x=seven",
    )
    assert (report.read, report.kept, report.bad) == (10, 2, 8)


def test_above_the_tolerance_the_old_data_stays(engine: Engine, tmp_path: Path) -> None:
    of = source("shop", {"x": "integer"}, tolerate="0.2")
    write_csv(tmp_path, "shop", "id,x", "1,1")
    loaded(engine, of, tmp_path)
    write_csv(tmp_path, "shop", "id,x", "1,a", "2,b", "3,c", "4,d", "5,5")
    message = failure(engine, of, tmp_path)
    assert message.startswith("source shop: 4 of 5 rows are bad, more than the 20%")
    assert 'shop.csv:2: column x: "a" is not a whole number\n' in message
    assert "shop.csv:4" in message and "shop.csv:5" not in message
    assert "and 1 more" in message and "`tolerate`" in message and "shop.journey:3:1" in message
    assert rows(engine, "source_shop") == [("1", 1)]
    assert not bad(engine)


def test_a_reload_replaces_what_was_in_quarantine(engine: Engine, tmp_path: Path) -> None:
    of = source("shop", {"x": "integer"}, tolerate="0.5")
    write_csv(tmp_path, "shop", "id,x", "1,a", "2,2")
    loaded(engine, of, tmp_path)
    assert len(bad(engine)) == 1
    write_csv(tmp_path, "shop", "id,x", "1,1000", "2,2")
    loaded(engine, of, tmp_path)
    assert not bad(engine)


def test_an_unchanged_file_is_not_read_again(engine: Engine, tmp_path: Path) -> None:
    of = source("shop", {"x": "integer"})
    write_csv(tmp_path, "shop", "id,x", "1,1")
    assert not loaded(engine, of, tmp_path).is_unchanged
    again = loaded(engine, of, tmp_path)
    assert again.is_unchanged and again.kept == 1
    assert not loaded(engine, source("shop", {"x": "text"}), tmp_path).is_unchanged


# --- files that are no tables -----------------------------------------------------------------


def test_what_is_wrong_with_a_file_is_told(engine: Engine, tmp_path: Path) -> None:
    of = source("shop", {"email": "text"})
    assert "there is no file shop.csv below" in failure(engine, of, tmp_path)
    path = tmp_path / "shop.csv"
    path.mkdir()
    assert "shop.csv is not a file" in failure(engine, of, tmp_path)
    path.rmdir()
    path.write_bytes(b"")
    assert "shop.csv is empty" in failure(engine, of, tmp_path)
    path.write_bytes(b"id,e-mail\n")
    assert 'no column "email"; did you mean "e-mail"? (shop.journey:3:1)' in failure(
        engine, of, tmp_path
    )
    path.write_bytes(b"id,email,email\n")
    assert 'two columns "email"' in failure(engine, of, tmp_path)
    path.write_bytes(b"id,email\n1,a\n2,M\xfcller\n")
    text = failure(engine, of, tmp_path)
    assert 'shop.csv:3: column email: not UTF-8 at "byte 4 of the line, 0xFC"' in text
    assert 'declare its encoding, for example encoding = "windows-1252"' in text
    assert 'no encoding "klingon"' in failure(
        engine, source("shop", {"email": "text"}, encoding="klingon"), tmp_path
    )


def test_a_file_with_a_header_only_is_an_empty_table(engine: Engine, tmp_path: Path) -> None:
    write_csv(tmp_path, "shop", "id,x")
    assert loaded(engine, source("shop", {"x": "text"}), tmp_path).read == 0
    assert rows(engine, "source_shop") == []


# --- sqlite -----------------------------------------------------------------------------------


def cards(folder: Path, **columns: str) -> Source:
    settings: dict[str, Any] = {"path": "loyalty.db", "table": "cards"}
    return source("cards", columns, kind="sqlite", key="card_no", tolerate="0.5", **settings)


def database(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "loyalty.db", isolation_level=None)
    connection.execute("CREATE TABLE cards (card_no INTEGER, points, holder TEXT, at)")
    return connection


def test_a_table_of_sqlite(engine: Engine, tmp_path: Path) -> None:
    connection = database(tmp_path)
    connection.executemany(
        "INSERT INTO cards VALUES (?, ?, ?, ?)",
        [(1, 10, "Zoë", "2026-01-01"), (2, 2.0, "", None), (3, "many", None, None), (1, 5, "", "")],
    )
    connection.close()
    of = cards(tmp_path, points="integer", holder="text", at="datetime")
    report = loaded(engine, of, tmp_path)
    assert rows(engine, "source_cards") == [
        ("1", 10, "Zoë", datetime(2026, 1, 1)),
        ("2", 2, None, None),
    ]
    assert report.bad == 2
    assert [row[:3] for row in bad(engine)] == [
        ("loyalty.db:cards", 3, 'column points: "many" is not a whole number'),
        ("loyalty.db:cards", 4, "the key card_no is that of line 1 again (line 4)"),
    ]


@pytest.mark.slow
def test_a_locked_database_is_told(engine: Engine, tmp_path: Path) -> None:
    other = database(tmp_path)
    other.execute("BEGIN EXCLUSIVE")
    message = failure(engine, cards(tmp_path), tmp_path)
    assert "loyalty.db is locked by another program" in message
    other.execute("COMMIT")
    other.close()
    assert loaded(engine, cards(tmp_path), tmp_path).read == 0


def test_what_is_wrong_with_a_database_is_told(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "loyalty.db"
    path.write_bytes(b"id,name\n" * 500)
    assert "loyalty.db is not an SQLite database" in failure(engine, cards(tmp_path), tmp_path)
    path.unlink()
    database(tmp_path).close()
    of = cards(tmp_path, holdr="text")
    assert 'no column "holdr"; did you mean "holder"?' in failure(engine, of, tmp_path)
    of = of.model_copy(update={"settings": {"path": "loyalty.db", "table": "card"}})
    assert 'no table "card"; it has cards' in failure(engine, of, tmp_path)


# --- what disappears --------------------------------------------------------------------------


def guarded(engine: Engine, of: Source, folder: Path) -> SourceReport:
    with engine.transaction(), open_loader() as loader:
        return load(engine, loader, of, folder, NOW, is_guarded=True)


def people(count: int, **others: str) -> list[str]:
    """Return lines of so many people; `others` are lines by their number, as `n700`."""
    return [others.get(f"n{i}", f"{i},name{i},fine") for i in range(1, count + 1)]


@pytest.mark.parametrize("closing", [None, "n600", "n990"])
def test_a_row_that_is_not_delimited_counts_as_its_lines(
    engine: Engine, tmp_path: Path, closing: str | None
) -> None:
    of = source("shop", {"a": "text", "b": "text"})
    write_csv(tmp_path, "shop", "id,a,b", *people(1000))
    guarded(engine, of, tmp_path)
    stray = {"n500": '500,"name500,fine'} | ({closing: '7,"name7,fine'} if closing else {})
    write_csv(tmp_path, "shop", "id,a,b", *people(1000, **stray))
    count = (int(closing[1:]) if closing else 1000) - 499
    with pytest.raises(
        DataError, match=rf"{count} of 1000 rows are bad(.|\n)*takes in {count} lines"
    ):
        guarded(engine, of, tmp_path)
    assert rows(engine, "source_shop")[0] == ("1", "name1", "fine")


def test_the_rows_of_lines_that_are_swallowed_stay(engine: Engine, tmp_path: Path) -> None:
    of = source("shop", {"a": "text", "b": "text"})
    write_csv(tmp_path, "shop", "id,a,b", *people(1000))
    guarded(engine, of, tmp_path)
    before = rows(engine, "source_shop")
    write_csv(
        tmp_path,
        "shop",
        "id,a,b",
        *people(1000, n997='997,"name997,fine', n100="100,x", n200="200,a,b,c"),
    )
    report = guarded(engine, of, tmp_path)
    assert (report.read, report.kept, report.bad, report.stayed) == (1000, 994, 6, 6)
    assert rows(engine, "source_shop") == before


@pytest.mark.parametrize(
    ("left", "setting", "is_refused"),
    [
        (900, None, False),
        (899, None, True),
        (161, None, True),
        (1, None, True),
        (161, "0.9", False),
        (899, "0.05", True),
        (1, "1", False),
        (0, "1", False),
        (0, "0.9", True),
    ],
)
def test_a_tenth_may_be_gone(
    engine: Engine, tmp_path: Path, left: int, setting: str | None, is_refused: bool
) -> None:
    of = source("shop", {"a": "text", "b": "text"})
    if setting:
        of = of.model_copy(update={"settings": of.settings | {"may_lose": setting}})
    write_csv(tmp_path, "shop", "id,a,b", *people(1000))
    guarded(engine, of, tmp_path)
    write_csv(tmp_path, "shop", "id,a,b", *people(left))
    if is_refused:
        with pytest.raises(DataError, match=r"(of before are gone|no rows).*old data stays"):
            guarded(engine, of, tmp_path)
    else:
        guarded(engine, of, tmp_path)
    assert len(rows(engine, "source_shop")) == (1000 if is_refused else left)


def test_rows_that_are_replaced_are_gone_too(engine: Engine, tmp_path: Path) -> None:
    of = source("shop", {"a": "text", "b": "text"})
    write_csv(tmp_path, "shop", "id,a,b", *people(1000))
    guarded(engine, of, tmp_path)
    write_csv(tmp_path, "shop", "id,a,b", *[f"new{line}" for line in people(1000)])
    with pytest.raises(DataError, match="1,000 of the 1,000 rows of before are gone"):
        guarded(engine, of, tmp_path)


def test_a_filter_loses_nothing(engine: Engine, tmp_path: Path) -> None:
    """The author leaves rows out: nothing is missing from the export."""
    of = source("shop", {"a": "text", "b": "text"})
    write_csv(tmp_path, "shop", "id,a,b", *people(1000))
    guarded(engine, of, tmp_path)
    where = equals(column("shop", "a"), text("name7"))
    guarded(engine, of.model_copy(update={"where": where}), tmp_path)
    assert rows(engine, "source_shop") == [("7", "name7", "fine")]
