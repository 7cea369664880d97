"""One byte that is no text is one bad row with file, line, column and byte, and the others are loaded (S24)."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cij.compiler.sql import query
from cij.runtime.engine import Engine
from cij.runtime.sources import sqlite
from tests.builders import source
from tests.loading import bad, failure, loaded, opened, rows

COLUMNS = {"a": "text", "n": "text"}


@pytest.fixture
def engine() -> Iterator[Engine]:
    with opened() as engine:
        yield engine


# For each file: its kind, encoding, bytes, the places in quarantine, and the keys of the good rows.
FILES: list[tuple[str, str | None, bytes, list[tuple[int, str, str]], str]] = [
    (
        "csv",
        None,
        b'id,a,n\n1,x,y\n2,"M\xfcller\nnext",z\n\n3,q,"a\nb\xff"\nk\xff4,r,s\n5,\xc3\xa9,5\n',
        [
            (3, 'column a: not UTF-8 at "byte 5 of the line, 0xFC"', '2,"M\ufffdller\nnext",z'),
            (7, 'column n: not UTF-8 at "byte 2 of the line, 0xFF"', '3,q,"a\nb\ufffd"'),
            (8, 'column id: not UTF-8 at "byte 2 of the line, 0xFF"', "k\ufffd4,r,s"),
        ],
        "15",
    ),
    # A copy is read, because line ends differ.
    (
        "csv",
        None,
        b"id,a,n\r\n1,\xffa,\xe9\r\n2,3,\xc3\xa9\n3,d,e\n",
        [(2, 'column a: not UTF-8 at "byte 3 of the line, 0xFF"', "1,\ufffda,\ufffd")],
        "23",
    ),
    (
        "csv",
        "windows-1252",
        b"id,a,n\n1,\x81a,\xe9\n2,3,\xe9\n",
        [(2, 'column a: not windows-1252 at "character 3 of the line, 0x81"', "1,\ufffda,\xe9")],
        "2",
    ),
    (
        "csv",
        "utf-16-le",
        "id,a,n\n1,x,".encode("utf-16-le") + b"\x00\xd8" + "\n2,\xe9,z\n".encode("utf-16-le"),
        [(2, 'column n: not utf-16-le at "character 5 of the line, 0x00"', "1,x,\ufffd")],
        "2",
    ),
    (
        "jsonl",
        None,
        b'{"id":1,"a":"x"}\n\n{"id":2,"a":"\xff","n":"y"}\n{"id":3,"a":"\xc3\xa9"}\n',
        [
            (
                3,
                'column a: not UTF-8 at "byte 14 of the line, 0xFF"',
                '{"id":2,"a":"\ufffd","n":"y"}',
            )
        ],
        "13",
    ),
]


def test_a_byte_that_is_no_text_is_one_bad_row(engine: Engine, tmp_path: Path) -> None:
    for number, (kind, encoding, data, places, keys) in enumerate(FILES):
        (tmp_path / f"{number}.txt").write_bytes(data)
        more: dict[str, Any] = {"encoding": encoding} if encoding else {}
        of = source(f"s{number}", COLUMNS, tolerate="0.9", kind=kind, path=f"{number}.txt", **more)
        loaded(engine, of, tmp_path)
        assert [row[1:] for row in bad(engine)] == places, number
        assert "".join(row[0] for row in rows(engine, f"source_s{number}")) == keys, number
        engine.execute(query("DELETE FROM quarantine"))


def test_its_row_of_before_stays_and_a_name_that_is_no_text_refuses_the_file(
    engine: Engine, tmp_path: Path
) -> None:
    of = source("stay", COLUMNS, tolerate="0.9", path="s.csv")
    (tmp_path / "s.csv").write_bytes(b"id,a,n\n1,x,y\n2,x,y\n")
    loaded(engine, of, tmp_path)
    (tmp_path / "s.csv").write_bytes(b"id,a,n\n1,later,y\n2,\xff,y\n")
    loaded(engine, of, tmp_path)
    assert rows(engine, "source_stay") == [("1", "later", "y"), ("2", "x", "y")]
    (tmp_path / "s.csv").write_bytes(b"id,a,n\xff\n1,x,y\n")
    assert 's.csv:1: not UTF-8 at "byte 7 of the line, 0xFF"' in failure(engine, of, tmp_path)


# --- SQLite -----------------------------------------------------------------------------------

TABLE = """
CREATE TABLE t (id TEXT, a TEXT, n INT);
INSERT INTO t VALUES ('1', '\xe9', 1), ('2', CAST(x'41ff' AS TEXT), 2), ('3', 'x', 3), ('4', x'ff', 4);
CREATE VIEW few AS SELECT id, a, n FROM t WHERE n < 3;
CREATE VIEW endless AS WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r)
  SELECT i AS id, 'x' AS a, 1 AS n FROM r;
CREATE VIEW silent AS WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r)
  SELECT i AS id, 'x' AS a, 1 AS n FROM r WHERE i < 0;
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection:
        connection.executescript(TABLE)
    return tmp_path


def test_a_cell_of_sqlite_that_is_no_text_is_one_bad_row(engine: Engine, database: Path) -> None:
    first = (2, 'column a: not UTF-8 at "byte 2 of the value, 0xFF"', "id=2, a=A\ufffd, n=2")
    second = (4, 'column a: not UTF-8 at "byte 1 of the value, 0xFF"', "id=4, a=\ufffd, n=4")
    cases: list[tuple[str, dict[str, Any], str, list[tuple[int, str, str]]]] = [
        ("a", {"table": "t"}, "13", [first, second]),
        ("b", {"query": "SELECT id, a, n FROM t;"}, "13", [first, second]),
        ("c", {"table": "few"}, "1", [first]),
    ]
    for name, setting, keys, places in cases:
        of = source(name, COLUMNS, tolerate="0.9", kind="sqlite", path="t.db", **setting)
        loaded(engine, of, database)
        assert [row[1:] for row in bad(engine)] == places, name
        assert "".join(row[0] for row in rows(engine, f"source_{name}")) == keys
        engine.execute(query("DELETE FROM quarantine"))


def test_a_view_without_an_end_is_refused(
    engine: Engine, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "COUNT_MAX_S", 0.1)
    endless = "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT COUNT(*) AS id, 1 AS a, 2 AS n FROM r"
    settings: list[dict[str, Any]] = [{"table": "endless"}, {"table": "silent"}, {"query": endless}]
    for setting in settings:
        of = source("shop", COLUMNS, kind="sqlite", path="t.db", **setting)
        assert "has not ended after 0.1 s" in failure(engine, of, database)
