"""Tables that other tools have made: Delta tables of every version, DuckDB files, and models of dbt."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Source
from cij.runtime.engine import Engine
from cij.runtime.engine.delta_rows import DeltaRows
from cij.runtime.sources import KINDS
from tests.builders import source
from tests.loading import bad, failure, loaded, opened, rows


@pytest.fixture
def engine() -> Iterator[Engine]:
    with opened() as engine:
        yield engine


def of_kind(kind: str, columns: dict[str, str], **settings: str) -> Source:
    made = source("s", columns, kind=kind, tolerate="1", where=None, **settings)
    kept = {k: v for k, v in made.settings.items() if k in settings}
    return made.model_copy(update={"settings": kept})


def written(of: Source, **names: str) -> Source:
    """Return the source with names that its columns have outside."""
    columns = tuple(
        c.model_copy(update={"written": names[c.name]}) if c.name in names else c
        for c in of.columns
    )
    return of.model_copy(update={"columns": columns})


# --- delta ------------------------------------------------------------------------------------


def write(folder: Path | str, query: str, mode: Any = "append", **options: Any) -> None:
    deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")
    with closing(duckdb.connect()) as database:
        deltalake.write_deltalake(str(folder), database.sql(query), mode=mode, **options)


ORDER = """
SELECT '1' AS id, CAST('12345678901234567890.5' AS DECIMAL(38, 10)) AS sum,
  TIMESTAMPTZ '2026-01-01 01:00:00+01' AS at_, TIMESTAMP '2026-01-01 00:00:00.000001' AS local_at,
  {'city': 'Vigo', 'geo': {'x': 1e-7}} AS address, ['a', 'b'] AS tags, 'ü😀' AS note
"""
COLUMNS = {
    "sum": "decimal",
    "at": "datetime",
    "local_at": "datetime",
    "city": "text",
    "x": "decimal",
    "tags": "text",
    "note": "text",
}


def test_a_delta_table_is_read_with_all_its_digits(engine: Engine, tmp_path: Path) -> None:
    write(tmp_path / "lake" / "orders", ORDER)
    of = of_kind("delta", COLUMNS, path="lake/orders")
    of = written(of, at="at_", city="address.city", x="address.geo.x")
    assert loaded(engine, of, tmp_path).kept == 1
    assert rows(engine, "source_s") == [
        ("1", Decimal("12345678901234567890.5"), datetime(2026, 1, 1),
         datetime(2026, 1, 1, 0, 0, 0, 1), "Vigo", Decimal("0.0000001"), '["a","b"]', "ü😀")
    ]  # fmt: skip
    found = {n.name: n.declared for n in KINDS["delta"].names(of, tmp_path)}
    assert found["address.city"] == "VARCHAR" and "address" not in found
    wrong = written(of, city="address.town")
    assert 'has no column "address.town"' in failure(engine, wrong, tmp_path)


def test_the_version_of_a_delta_table_is_its_fingerprint(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picked: list[Sequence[str]] = []
    make = DeltaRows.__init__

    def noted(self: DeltaRows, table: Any, columns: Sequence[str] = ()) -> None:
        picked.append(columns)
        make(self, table, columns)

    monkeypatch.setattr(DeltaRows, "__init__", noted)
    table = tmp_path / "t"
    write(table, "SELECT 'a' AS id, 1 AS n, 'no need of this' AS more")
    of = of_kind("delta", {"n": "integer"}, path="t")
    assert loaded(engine, of, tmp_path).kept == 1
    # Only the columns that are declared are read.
    assert picked == [(), ["id", "n"]]
    assert loaded(engine, of, tmp_path).is_unchanged
    assert len(picked) == 2
    write(table, "SELECT 'b' AS id, 2 AS n, '' AS more")
    assert loaded(engine, of, tmp_path).kept == 2
    old = of.model_copy(update={"settings": {"path": "t", "version": "0"}})
    assert loaded(engine, old, tmp_path).kept == 1
    assert loaded(engine, old, tmp_path).is_unchanged
    write(table, "SELECT 'c' AS id, 3 AS n, '' AS more", mode="overwrite")
    assert loaded(engine, old, tmp_path).is_unchanged
    assert loaded(engine, of, tmp_path).kept == 1
    assert rows(engine, "source_s") == [("c", 3)]
    wrong = of.model_copy(update={"settings": {"path": "t", "version": "99"}})
    assert "cannot read t: it has no version 99 (" in failure(engine, wrong, tmp_path)


def test_rows_that_were_deleted_in_a_delta_table_are_not_read(
    engine: Engine, tmp_path: Path
) -> None:
    write(tmp_path / "t", "SELECT 'k' || i AS id, i AS n, i % 2 AS half FROM range(4) AS r(i)",
          partition_by=["half"])  # fmt: skip
    deltalake = pytest.importorskip("deltalake")
    deltalake.DeltaTable(str(tmp_path / "t")).delete("n = 2")
    of = of_kind("delta", {"n": "integer", "half": "integer"}, path="t")
    assert loaded(engine, of, tmp_path).kept == 3
    assert rows(engine, "source_s") == [("k0", 0, 0), ("k1", 1, 1), ("k3", 3, 1)]


def test_what_is_no_delta_table_is_said_in_one_sentence(engine: Engine, tmp_path: Path) -> None:
    pytest.importorskip("deltalake", reason="deltalake is not installed")
    of = of_kind("delta", {}, path="t")
    assert "there is no folder t below" in failure(engine, of, tmp_path)
    (tmp_path / "t").mkdir()
    assert "cannot read t: it is no Delta table (" in failure(engine, of, tmp_path)
    (tmp_path / "f").write_text("x")
    assert "f is not a folder" in failure(engine, of_kind("delta", {}, path="f"), tmp_path)
    write(tmp_path / "t", "SELECT 'a' AS id")
    next((tmp_path / "t").glob("*.parquet")).unlink()
    told = failure(engine, of, tmp_path)
    assert "source s: cannot read t: " in told and "\n" not in told
    (tmp_path / "t" / "_delta_log" / "00000000000000000000.json").write_text("{")
    told = failure(engine, of, tmp_path)
    assert "source s: cannot read t: " in told and "\n" not in told


# --- duckdb -----------------------------------------------------------------------------------


def make_file(path: Path, *texts: str) -> None:
    with closing(duckdb.connect(str(path))) as database:
        for text in texts:
            database.execute(text)


def test_a_table_or_query_of_a_duckdb_file_is_read(engine: Engine, tmp_path: Path) -> None:
    make_file(
        tmp_path / "w.duckdb",
        "CREATE SCHEMA sales",
        f"CREATE TABLE sales.orders AS {ORDER}",
        "CREATE VIEW few AS SELECT id, 170141183460469231731687303715884105727 AS n FROM sales.orders",
    )
    of = of_kind("duckdb", COLUMNS, path="w.duckdb", table="sales.orders")
    of = written(of, at="at_", city="address.city", x="address.geo.x")
    assert loaded(engine, of, tmp_path).kept == 1
    assert rows(engine, "source_s")[0][1:3] == (
        Decimal("12345678901234567890.5"),
        datetime(2026, 1, 1),
    )
    assert loaded(engine, of, tmp_path).is_unchanged
    query = "SELECT id, 2 AS n FROM sales.orders WHERE sum > 1 -- the large ones;"
    of = of_kind("duckdb", {"n": "integer"}, path="w.duckdb", query=query)
    assert loaded(engine, of, tmp_path).kept == 1
    assert rows(engine, "source_s") == [("1", 2)]
    view = of_kind("duckdb", {"n": "integer"}, path="w.duckdb", table="few")
    loaded(engine, view, tmp_path)
    assert "is not a whole number" in bad(engine)[0][2]


def test_a_query_of_a_duckdb_file_reads_nothing_else(engine: Engine, tmp_path: Path) -> None:
    make_file(tmp_path / "w.duckdb", "CREATE TABLE t AS SELECT '1' AS id")
    secret = tmp_path / "secret.csv"
    secret.write_text("id\n1\n")
    for query in (
        f"SELECT * FROM read_csv('{secret}')",
        f"SELECT 1) AS q; ATTACH '{tmp_path}/other.duckdb'; SELECT * FROM (SELECT 1",
        f"SELECT 1) AS q; COPY t TO '{tmp_path}/out.csv'; SELECT * FROM (SELECT 1",
        "SELECT 1) AS q; DROP TABLE t; SELECT * FROM (SELECT 1",
    ):
        of = of_kind("duckdb", {}, path="w.duckdb", query=query)
        assert "the query of w.duckdb cannot be read: " in failure(engine, of, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["secret.csv", "w.duckdb"]
    (tmp_path / "x.duckdb").write_bytes(b"x" * 5000)
    other = of_kind("duckdb", {}, path="x.duckdb", table="t")
    assert "x.duckdb is not a DuckDB file" in failure(engine, other, tmp_path)
    absent = of_kind("duckdb", {}, path="w.duckdb", table="absent")
    assert "table absent of w.duckdb cannot be read: " in failure(engine, absent, tmp_path)


# --- dbt --------------------------------------------------------------------------------------


def manifest(path: Path, adapter: str, *nodes: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    usual = {"resource_type": "model", "package_name": "shop", "schema": "main", "config": {}}
    made = {f"{n}": {**usual, "alias": node["name"], **node} for n, node in enumerate(nodes)}
    path.write_text(json.dumps({"metadata": {"adapter_type": adapter}, "nodes": made}))


def model(name: str, **settings: str) -> Source:
    settings = {"path": "shop.duckdb"} | settings
    return of_kind("dbt", {"n": "integer"}, manifest="target/manifest.json", model=name, **settings)


def test_a_model_is_read_where_dbt_has_made_it(engine: Engine, tmp_path: Path) -> None:
    make_file(
        tmp_path / "shop.duckdb",
        "CREATE SCHEMA marts",
        "CREATE TABLE marts.dim_customers AS SELECT 'a' AS id, 1 AS n",
        "CREATE TABLE customers AS SELECT 'b' AS id, 2 AS n",
    )
    file = tmp_path / "target" / "manifest.json"
    customers = {"name": "customers", "schema": "marts", "alias": "dim_customers"}
    manifest(file, "duckdb", customers, {"name": "customers", "resource_type": "test"})
    assert loaded(engine, model("customers"), tmp_path).kept == 1
    assert rows(engine, "source_s") == [("a", 1)]
    assert [c.name for c in KINDS["dbt"].names(model("customers"), tmp_path)] == ["id", "n"]
    assert loaded(engine, model("customers"), tmp_path).is_unchanged
    # dbt moved it: the project names it as before.
    manifest(file, "duckdb", {"name": "customers"})
    assert loaded(engine, model("shop.customers"), tmp_path).kept == 1
    assert rows(engine, "source_s") == [("b", 2)]


def test_what_a_manifest_lacks_is_said(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "target" / "manifest.json"
    assert "there is no file target/manifest.json" in failure(engine, model("m"), tmp_path)
    file.parent.mkdir()
    for text in ("{", "[]", '{"metadata": 1, "nodes": {}}', '{"nodes": {}}', "[" * 99999):
        file.write_text(text)
        assert "target/manifest.json is no manifest of dbt" in failure(engine, model("m"), tmp_path)
    lazy = {"name": "lazy", "config": {"materialized": "ephemeral"}}
    two = [{"name": "two"}, {"name": "two", "package_name": "other"}]
    manifest(file, "duckdb", lazy, *two)
    for name, message in {
        "m": "there is no model m; there are lazy, two",
        "lazy": "the model lazy is ephemeral: dbt makes no table of it",
        "two": 'several packages have a model two: write "shop.two" or "other.two"',
    }.items():
        assert message in failure(engine, model(name), tmp_path)
    manifest(file, "snowflake", *two)
    assert "its dbt project is for snowflake; what can be read is sqlite, duckdb" in failure(
        engine, model("two"), tmp_path
    )
    manifest(file, "postgres", {"name": "m"})
    assert "is for postgres, so it needs the setting `database`" in failure(
        engine, model("m"), tmp_path
    )


# --- declared ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "messages"),
    [
        ('kind = delta\n path = "lake/t"\n version = 3', []),
        ('kind = delta\n path = "s3://b/t"\n access_key = env("KEY")', []),
        ('kind = delta\n path = "t"\n version = "3"', ["`version` takes a whole number, such as 10"]),
        ('kind = delta\n path = "https://h/t"', ["`path` takes a folder in the project, or one at s3:// or az://"]),
        ('kind = duckdb\n path = "t.duckdb"', ["source `s` needs `table`"]),
        ('kind = dbt\n manifest = "m.json"\n model = "orders"\n path = "w.duckdb"', []),
        ('kind = dbt\n manifest = "m.json"\n model = "orders"', ["source `s` needs `path`"]),
        ('kind = dbt\n manifest = "m.json"\n model = "o"\n database = "x"', ['`database` takes a variable of the environment: env("SHOP_DATABASE")']),
    ],
)  # fmt: skip
def test_settings_are_judged(settings: str, messages: list[str]) -> None:
    text = f"source s {{ {settings}\n key = id\n columns {{ id = text }} }}\n"
    text += "profile customer { from s { town = id } }"
    made = compile_project(ProjectSettings("p", "UTC"), {"a.journey": text}, {}, {})
    assert [d.message for d in made.diagnostics] == messages
