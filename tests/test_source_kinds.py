"""Kinds of source besides plain CSV files: JSON lines, Parquet, many files, packed files, servers, queries."""

import gzip
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Source, SourceColumn
from cij.runtime.engine import Engine
from cij.runtime.sources import KINDS, packed_file
from tests.builders import source
from tests.loading import bad, failure, loaded, opened, rows
from tests.postgres import server


@pytest.fixture
def engine() -> Iterator[Engine]:
    with opened() as engine:
        yield engine


def named(of: Source, **written: str) -> Source:
    """Return the source with names that its columns have outside."""
    columns = tuple(
        c.model_copy(update={"written": written[c.name]}) if c.name in written else c
        for c in of.columns
    )
    return of.model_copy(update={"columns": columns})


# --- declared ---------------------------------------------------------------------------------

DECLARED = """
source s {{
  kind = csv
  path = "s.csv"
  key = id
{}
  columns {{
    id = text
    city = text
  }}
}}
"""


def compiled(text: str) -> tuple[Source | None, list[str]]:
    text += "profile customer { from s { town = city } }"
    made = compile_project(ProjectSettings("p", "UTC"), {"a.journey": text}, {}, {})
    sources = made.program.sources if made.program else ()
    return (sources[0] if sources else None), [d.message for d in made.diagnostics]


def test_settings_of_a_source_are_kept_and_mistakes_have_a_place() -> None:
    of, _ = compiled(
        DECLARED.format(
            'header = false\n null = ["NULL", "-"]\n decimal = ","\n names {\n city = "Stadt"\n }'
        )
    )
    assert of is not None
    assert of.settings == {"path": "s.csv", "header": "false", "null": "NULL\n-", "decimal": ","}
    assert [c.outside for c in of.columns] == ["id", "Stadt"]
    for wrong, message in {
        'header = "no"': "`header` takes `true` or `false`",
        'null = ["a", 1]': '`null` takes a text, or texts such as ["NULL", "n/a"]',
        'decimal = "x"': '`decimal` takes `"."` or `","`',
        'thousands = "."': '`thousands` takes another sign than `decimal`, which is "."',
        'thousands = "5"': '`thousands` takes one character, such as "." or " "',
        'datetime_format = "epoch"': '`datetime_format` takes a format with day, month and year: "%d.%m.%Y"',
        'names {\n town = "Stadt"\n }': "source `s` has no column `town`",
    }.items():
        assert compiled(DECLARED.format(wrong))[1] == [message]
    sqlite = DECLARED.replace("csv\n", "sqlite\n")
    assert compiled(sqlite.format(""))[1] == ["source `s` needs `table`"]
    both = 'table = "a"\n query = "SELECT 1"'
    assert compiled(sqlite.format(both))[1] == ["`query` beside `table`: a source has one of them"]
    server_ = DECLARED.replace("csv\n", "postgres\n").replace('path = "s.csv"', "{}")
    assert compiled(server_.format('database = "postgres://u:p@h/d"', 'table = "a"'))[1] == [
        '`database` takes a variable of the environment: env("SHOP_DATABASE")'
    ]


# --- csv --------------------------------------------------------------------------------------


def test_numbers_dates_and_missing_values_are_read_as_the_source_writes_them(
    engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "shop.csv").write_text(
        "Nr;Betrag;Anteil;Datum;Zeit\n"
        "1;1.234.567,50;12,5 %;31.12.2025;1767225600\n"
        "2;-0,5;n/a;2025/12/31;2026-01-01T00:00:00+01:00\n"
        "3;NULL;;31.12.2025;\n"
        "4;1.5;1;1.1.25;1\n"
        "5;1.23,4;1;1.1.2025;1\n"
        "6;7;1;1.1.2025;99999999999999\n",
        encoding="utf-8",
    )
    shop = source(
        "shop",
        {"amount": "decimal", "share": "percent", "day": "date", "at": "datetime"},
        timezone="Europe/Madrid",
        tolerate="1",
        delimiter=";",
        decimal=",",
        thousands=".",
        null="NULL\nn/a",
        date_format="%d.%m.%Y\n%Y/%m/%d",
        datetime_format="epoch seconds",
    )
    shop = named(shop, id="Nr", amount="Betrag", share="Anteil", day="Datum", at="Zeit")
    report = loaded(engine, shop, tmp_path)
    assert (report.kept, report.bad) == (3, 3)
    utc = datetime(2026, 1, 1)
    last = date(2025, 12, 31)
    assert rows(engine, "source_shop") == [
        ("1", Decimal("1234567.5"), Decimal("0.125"), last, utc),
        ("2", Decimal("-0.5"), None, last, datetime(2025, 12, 31, 23)),
        ("3", None, None, last, None),
    ]
    assert [(line, reason) for _, line, reason, _ in bad(engine)] == [
        (5, 'column amount: "1.5" is not an amount'.replace("an amount", _NUMBER)),
        (6, f'column amount: "1.23,4" is not {_NUMBER}'),
        (7, 'column at: "99999999999999" is not a date and time'),
    ]


_NUMBER = "a number (digits and a point, at most 28 before it and 10 behind it)"


def test_a_file_without_names_has_the_declared_columns_in_their_order(
    engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "shop.csv"
    file.write_text("1,ana\n2,eva,surplus\n2,eva\n2,bo\n", encoding="utf-8")
    shop = source("shop", {"name": "text"}, header="false", tolerate="1")
    loaded(engine, shop, tmp_path)
    assert rows(engine, "source_shop") == [("1", "ana"), ("2", "eva")]
    assert [line for _, line, _, _ in bad(engine)] == [2, 4]
    file.write_text("1,ana,more\n", encoding="utf-8")
    assert "has 3 columns in its first row, and `columns` has 2" in failure(engine, shop, tmp_path)
    file.write_text("", encoding="utf-8")
    assert loaded(engine, shop, tmp_path).read == 0


def test_a_packed_file_is_known_by_its_bytes_and_a_damaged_one_is_refused(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "id,day\n1,2026-01-01\n2,never\n".encode("utf-16")
    shop = source("shop", {"day": "date"}, encoding="utf-16", tolerate="1")
    (tmp_path / "shop.csv").write_bytes(gzip.compress(text))
    loaded(engine, shop, tmp_path)
    assert rows(engine, "source_shop") == [("1", date(2026, 1, 1))]
    assert [line for _, line, _, _ in bad(engine)] == [3]
    (tmp_path / "shop.csv").write_bytes(gzip.compress(text)[:-9])
    assert "is a damaged gzip file" in failure(engine, shop, tmp_path)
    monkeypatch.setattr(packed_file, "ANY_BYTES", 1 << 20)
    (tmp_path / "shop.csv").write_bytes(gzip.compress(b"0" * (2 << 20)))
    assert "unpacks to more than" in failure(engine, shop, tmp_path)


# --- json lines -------------------------------------------------------------------------------

LINES = rb"""
{"id": "1", "at": 1767225600000, "who": {"mail": "ana@example.com"}, "big": 123456789012345678901234567890, "sum": 0.1234567890, "tags": ["a", "b"], "a.b": "own"}

{"id": "2", "who": null, "sum": 12345678901234567890.1234567890, "a": {"b": "path"}, "items": [{"n": 7}]}
{"id": "3", "sum": 1e400}
{"id":
[1]
{"id": "6"} {"id": "7"}
{"id": "8", "who": "x	y"}
{"id": "9", "x": "\ud800"}
"""


def test_json_lines_with_paths_keep_every_digit_and_bad_lines_have_reasons(
    engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "e.jsonl").write_bytes(LINES.strip())
    columns = {"at": "datetime", "mail": "text", "big": "text", "sum": "decimal"}
    columns |= {"tags": "text", "ab": "text", "n": "integer"}
    events = source(
        "e",
        columns,
        kind="jsonl",
        path="e.jsonl",
        tolerate="1",
        timezone="Europe/Madrid",
        datetime_format="epoch milliseconds",
    )
    events = named(events, mail="who.mail", ab="a.b", n="items.0.n")
    report = loaded(engine, events, tmp_path)
    first, second, *_ = rows(engine, "source_e")
    big = "123456789012345678901234567890"
    assert first == (
        "1", datetime(2026, 1, 1), "ana@example.com", big, Decimal("0.123456789"),
        '["a","b"]', "own", None,
    )  # fmt: skip
    assert second[4] == Decimal("12345678901234567890.123456789")
    assert second[6:] == ("path", 7)
    reasons = {line: reason for _, line, reason, _ in bad(engine)}
    assert reasons[4].startswith('column sum: "1e400" is not')
    assert reasons[5].startswith("not JSON: ") and reasons[6] == "not a JSON object"
    assert reasons[7].startswith("not JSON: ") and reasons[8].startswith("not JSON: ")
    assert report.read == report.kept + report.bad == 8
    assert [c.name for c in KINDS["jsonl"].names(events, tmp_path)][:4] == [
        "id", "at", "who.mail", "big",
    ]  # fmt: skip


# --- parquet ----------------------------------------------------------------------------------


def test_parquet_keeps_values_exact_and_reaches_into_structures(
    engine: Engine, tmp_path: Path
) -> None:
    duckdb.sql("""
        SELECT '1' AS id, 1e-7::DOUBLE AS small, 0.1::FLOAT AS f, 12345678901234567890.5::DECIMAL(30, 2) AS d,
          TIMESTAMPTZ '2026-01-01 01:00:00+01' AS at, {'city': 'Vigo', 'geo': {'x': 1}} AS address,
          ['a', 'b'] AS tags, encode('ñ') AS raw
        UNION ALL SELECT '2', 'nan'::DOUBLE, 2, 1, NULL, NULL, [], NULL
    """).write_parquet(str(tmp_path / "p.parquet"))
    columns = {"small": "decimal", "f": "decimal", "d": "decimal", "at": "datetime"}
    columns |= {"city": "text", "x": "integer", "tags": "text", "raw": "text"}
    table = source(
        "p", columns, kind="parquet", path="p.parquet", tolerate="1", timezone="Asia/Tokyo"
    )
    table = named(table, city="address.city", x="address.geo.x")
    loaded(engine, table, tmp_path)
    assert rows(engine, "source_p") == [
        ("1", Decimal("0.0000001"), Decimal("0.1"), Decimal("12345678901234567890.5"),
         datetime(2026, 1, 1), "Vigo", 1, '["a","b"]', "ñ")
    ]  # fmt: skip
    assert [(line, reason[:22]) for _, line, reason, _ in bad(engine)] == [
        (2, 'column small: "nan" is')
    ]
    table = named(table, city="address.town")
    assert 'has no column "address.town"; did you mean "address.city"?' in failure(
        engine, table, tmp_path
    )
    (tmp_path / "p.parquet").write_bytes(b"PAR1 no")
    assert "p.parquet is not a Parquet file" in failure(engine, table, tmp_path)


# --- many files -------------------------------------------------------------------------------


def test_a_pattern_reads_all_files_and_folders_give_columns(engine: Engine, tmp_path: Path) -> None:
    for folder, text in {
        "year=2025/shop=A%2FB": "id,n\n1,1\n2,x\n",
        "year=2026/shop=__HIVE_DEFAULT_PARTITION__": "id,n\n3,3\n1,9\n",
    }.items():
        (tmp_path / "o" / folder).mkdir(parents=True)
        (tmp_path / "o" / folder / "part.csv").write_text(text, encoding="utf-8")
    orders = source(
        "o", {"n": "integer", "year": "integer", "shop": "text"}, path="o/**/*.csv", tolerate="1"
    )
    report = loaded(engine, orders, tmp_path)
    assert rows(engine, "source_o") == [("1", 1, 2025, "A/B"), ("3", 3, 2026, None)]
    assert (report.read, report.bad) == (4, 2)
    second = "o/year=2026/shop=__HIVE_DEFAULT_PARTITION__/part.csv"
    first = "o/year=2025/shop=A%2FB/part.csv"
    assert sorted((file, line, reason) for file, line, reason, _ in bad(engine)) == [
        (first, 3, 'column n: "x" is not a whole number'),
        (second, 3, f"the key id is that of line 2 of {first} again (line 3)"),
    ]
    assert loaded(engine, orders, tmp_path).is_unchanged
    (tmp_path / "o" / "more.csv").write_text("id,n,year,shop\n4,4,1999,C\n", encoding="utf-8")
    assert loaded(engine, orders, tmp_path).kept == 3
    for path, message in (
        ("q/*.csv", "no file below"),
        ("../*.csv", "leads out of the project's folder"),
        ("/etc/*", "leads out of the project's folder"),
    ):
        assert message in failure(engine, source("q", path=path), tmp_path)
    (tmp_path / "o" / "out.csv").symlink_to("/etc/hostname")
    assert "leads out of the project's folder" in failure(engine, orders, tmp_path)


# --- databases --------------------------------------------------------------------------------


def test_a_query_stands_in_the_place_of_a_table(engine: Engine, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "s.db") as database:
        database.executescript(
            "CREATE TABLE a (k TEXT, n INT); INSERT INTO a VALUES ('1', 2), ('2', 3)"
        )
    database.close()
    query = "SELECT k AS id, n * 10 AS ten FROM a WHERE n > 2 -- only the large ones"
    of = source("s", {"ten": "integer"}, kind="sqlite", path="s.db", query=query)
    assert loaded(engine, of, tmp_path).kept == 1
    assert rows(engine, "source_s") == [("2", 30)]
    wrong = source("s", kind="sqlite", path="s.db", query="SELECT other FROM a")
    assert "no such column: other" in failure(engine, wrong, tmp_path)


ORDERS = """
CREATE SCHEMA sales;
CREATE TABLE sales.orders
  (id int, at timestamptz, sum numeric(38, 10), f float8, note text, tags text[]);
INSERT INTO sales.orders VALUES
  (1, '2026-01-01 01:00+01', 12345678901234567890.5, 1e-7, E'a\\r\\n"b",\\rc', '{x,y}'),
  (2, NULL, NULL, NULL, NULL, NULL);
"""


def _orders() -> Source:
    columns = {"at": "datetime", "sum": "decimal", "f": "decimal", "note": "text", "tags": "text"}
    of = source("o", columns, kind="postgres", database="env:SHOP", table="sales.orders")
    del of.settings["path"]
    return of


@pytest.mark.slow
def test_a_postgres_table_is_read_as_it_is(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = _orders()
    with server() as store:
        address = f"host={store.folder} user=cij dbname=postgres password=tell-nobody"
        monkeypatch.setenv("SHOP", address)
        store.run(ORDERS)
        assert loaded(engine, of, tmp_path).kept == 2
        assert rows(engine, "source_o") == [
            ("1", datetime(2026, 1, 1), Decimal("12345678901234567890.5"), Decimal("0.0000001"),
             'a\r\n"b",\rc', '["x","y"]'),
            ("2", None, None, None, None, None),
        ]  # fmt: skip
        assert loaded(engine, of, tmp_path).is_unchanged
        store.run("DELETE FROM sales.orders WHERE id = 2")
        assert loaded(engine, of, tmp_path).kept == 1
        _check_queries(engine, of, tmp_path)
    for wrong_address in (address, "no address at all", "postgres://u:tell-nobody@[half"):
        monkeypatch.setenv("SHOP", wrong_address)
        assert "tell-nobody" not in (told := failure(engine, of, tmp_path)), told


def _check_queries(engine: Engine, of: Source, folder: Path) -> None:
    query = {"database": "env:SHOP", "query": "SELECT id, 1 AS n FROM sales.orders LIMIT 1"}
    of = of.model_copy(update={"settings": query, "columns": of.columns[:1]})
    assert loaded(engine, of, folder).kept == 1
    for text in (
        "DELETE FROM sales.orders RETURNING id",
        "WITH d AS (DELETE FROM sales.orders RETURNING id) SELECT * FROM d",
        "SELECT 1) AS q; DELETE FROM sales.orders; SELECT (1",
    ):
        wrong = of.model_copy(update={"settings": query | {"query": text}})
        assert "the query cannot be read: " in failure(engine, wrong, folder)
    assert loaded(engine, of, folder).kept == 1
    extra = (*of.columns, SourceColumn(name="more", type=of.columns[0].type))
    told = failure(engine, of.model_copy(update={"columns": extra}), folder)
    assert 'the query has no column "more"' in told
