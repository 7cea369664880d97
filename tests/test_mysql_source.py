"""Tables of MySQL, on a real server (MariaDB): each type with all its digits, and failures in one sentence."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from cij.compiler.program import Source, SourceColumn
from cij.runtime.engine import Engine
from cij.runtime.engine.mysql_rows import MysqlQuery
from cij.runtime.sources import KINDS
from cij.runtime.sources.sniff import narrowest
from tests.builders import source
from tests.loading import bad, failure, loaded, opened, rows
from tests.mysql import MysqlServer, mysql_server


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[MysqlServer]:
    with mysql_server() as server:
        yield server


@pytest.fixture
def engine() -> Iterator[Engine]:
    with opened() as engine:
        yield engine


@pytest.fixture(autouse=True)
def _address(server: MysqlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP", server.address)


ORDERS = (
    "DROP TABLE IF EXISTS orders",
    """
    CREATE TABLE orders (
      id int, sum decimal(38, 10), big bigint unsigned, is_new tinyint(1), flag bit(1), day date,
      at timestamp NULL, local_at datetime(6), spent time, f double, note text,
      old varchar(20) CHARACTER SET latin1, doc json, raw binary(2)) CHARACTER SET utf8mb4
    """,
    r"""
    INSERT INTO orders VALUES
      (1, 12345678901234567890.5, 9223372036854775807, 1, b'1', '2026-01-31', '2026-01-01 05:00:00',
       '2026-01-01 00:00:00.000001', '23:59:59', 1e-7, 'a\r\n"b",\\rc 😀', 'Müller', '{"a": [1, "x"]}',
       X'00ff'),
      (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
    """,
)
COLUMNS = {
    "sum": "decimal",
    "big": "integer",
    "is_new": "boolean",
    "flag": "boolean",
    "day": "date",
    "at": "datetime",
    "local_at": "datetime",
    "spent": "time",
    "f": "decimal",
    "note": "text",
    "old": "text",
    "doc": "text",
    "raw": "text",
}


def of_table(columns: dict[str, str], table: str = "orders") -> Source:
    zone = "Europe/Madrid"
    of = source("o", columns, kind="mysql", timezone=zone, database="env:SHOP", table=table)
    del of.settings["path"]
    return of


@pytest.mark.slow
def test_each_type_is_read_with_all_its_digits(
    server: MysqlServer, engine: Engine, tmp_path: Path
) -> None:
    server.run(*ORDERS)
    of = of_table(COLUMNS)
    assert loaded(engine, of, tmp_path).kept == 2
    first, second = rows(engine, "source_o")
    assert first == (
        "1", Decimal("12345678901234567890.5"), 2**63 - 1, True, True, date(2026, 1, 31),
        datetime(2026, 1, 1), datetime(2025, 12, 31, 23, 0, 0, 1), first[8], Decimal("0.0000001"),
        'a\r\n"b",\\rc 😀', "Müller", '{"a": [1, "x"]}', "00FF",
    )  # fmt: skip
    assert str(first[8]) == "23:59:59"
    assert second == ("2", *[None] * 13)


@pytest.mark.slow
def test_what_does_not_fit_is_in_quarantine_with_its_reason(
    server: MysqlServer, engine: Engine, tmp_path: Path
) -> None:
    server.run(
        "DROP TABLE IF EXISTS odd",
        "CREATE TABLE odd (id int, day date, big bigint unsigned)",
        "INSERT INTO odd VALUES (1, '0000-00-00', 1), (2, '2026-02-00', 1), (3, '2026-02-01', 1)",
        "INSERT INTO odd VALUES (4, '2026-02-01', 18446744073709551615)",
    )
    of = of_table({"day": "date", "big": "integer"}, "shop.odd")
    report = loaded(engine, of.model_copy(update={"tolerate": "1"}), tmp_path)
    assert (report.read, report.kept, report.bad) == (4, 1, 3)
    assert [(file, line, reason) for file, line, reason, _ in bad(engine)] == [
        ("table shop.odd", 1, 'column day: "0000-00-00" is not a date'),
        ("table shop.odd", 2, 'column day: "2026-02-00" is not a date'),
        ("table shop.odd", 4, 'column big: "18446744073709551615" is not a whole number'),
    ]
    exact = of_table({"big": "decimal"}, "odd")
    assert loaded(engine, exact, tmp_path).kept == 4
    assert rows(engine, "source_o")[3] == ("4", Decimal(2**64 - 1))


@pytest.mark.slow
def test_an_unchanged_table_is_not_read_again(
    server: MysqlServer, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.run(*ORDERS)
    of = of_table({"sum": "decimal", "note": "text"})
    copies: list[MysqlQuery] = []
    copy = MysqlQuery.copy

    def counted(of: MysqlQuery, columns: Sequence[str], file: Path) -> None:
        copies.append(of)
        copy(of, columns, file)

    monkeypatch.setattr(MysqlQuery, "copy", counted)
    assert loaded(engine, of, tmp_path).kept == 2
    # Another row is none of the source's columns, and the order of rows means nothing.
    server.run("UPDATE orders SET f = 1", "DELETE FROM orders WHERE id = 1", ORDERS[2])
    server.run("DELETE FROM orders WHERE id = 2 AND f IS NOT NULL LIMIT 1")
    assert loaded(engine, of, tmp_path).is_unchanged
    server.run("UPDATE orders SET sum = sum + 1 WHERE id = 1")
    assert not loaded(engine, of, tmp_path).is_unchanged
    assert len(copies) == 2


@pytest.mark.slow
def test_a_query_reads_and_cannot_write(
    server: MysqlServer, engine: Engine, tmp_path: Path
) -> None:
    server.run(*ORDERS)
    of = of_table({"n": "integer"})
    settings = {"database": "env:SHOP", "query": "SELECT id, 1 AS n FROM orders WHERE id < 2;"}
    of = of.model_copy(update={"settings": settings})
    assert loaded(engine, of, tmp_path).kept == 1
    for text in (
        "DELETE FROM orders",
        "SELECT 1) AS q; DELETE FROM orders; SELECT * FROM (SELECT 1",
        "SELECT id, 1 AS n FROM orders INTO OUTFILE '/tmp/cij-rows'",
    ):
        wrong = of.model_copy(update={"settings": settings | {"query": text}})
        assert "the query cannot be read: " in failure(engine, wrong, tmp_path)
    extra = (*of.columns, SourceColumn(name="more", type=of.columns[0].type))
    told = failure(engine, of.model_copy(update={"columns": extra}), tmp_path)
    assert 'the query has no column "more"' in told
    assert "table absent cannot be read: Table 'shop.absent' doesn't exist" in failure(
        engine, of_table({}, "absent"), tmp_path
    )


@pytest.mark.slow
def test_columns_are_named_with_types(server: MysqlServer, tmp_path: Path) -> None:
    server.run(*ORDERS)
    of = of_table({}).model_copy(update={"columns": ()})
    of.settings["database"] = server.address
    found = {name.name: name.declared for name in KINDS["mysql"].names(of, tmp_path)}
    assert (found["id"], found["sum"], found["at"]) == ("integer", "decimal", "timestamp")
    assert narrowest(found["note"], {"date", "text"}) == "date"
    assert narrowest(found["big"], {"integer", "decimal"}) == "integer"


@pytest.mark.parametrize(
    ("address", "message"),
    {
        "nonsense": "holds no address such as mysql://",
        "postgres://u:tell-nobody@h/d": "holds no address such as mysql://",
        "mysql://u:tell-nobody@h:port/d": "holds no address such as mysql://",
        "mysql://u:tell-nobody@h": "holds no address such as mysql://",
        "mysql://u:tell-nobody@h/d?sslmode=on": 'has the option "sslmode", not socket, tls, ca',
        "mysql://u:tell-nobody@localhost/d?socket=/nowhere/s": "there is no such socket",
        "mysql://u:tell-nobody@localhost:1/d": "Can't connect to MySQL server",
    }.items(),
)
def test_a_wrong_address_is_one_sentence_without_secrets(
    address: str, message: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP", address)
    told = failure(engine, of_table({}), tmp_path)
    assert message in told and "tell-nobody" not in told
    assert "\n" not in told
