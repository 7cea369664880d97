"""A Parquet file without some of its rows."""

import tempfile
from collections.abc import Set as AbstractSet
from pathlib import Path

import duckdb


def without_ids(path: Path, ids: AbstractSet[str]) -> bytes | None:
    """Return a file without the rows whose column `id` is one of `ids`.

    None where there are none, or where it cannot be read.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder, "kept.parquet")
        try:
            return _without(path, draft, sorted(ids))
        except duckdb.Error:
            return None


def _without(path: Path, draft: Path, ids: list[str]) -> bytes | None:
    with duckdb.connect(":memory:") as connection:
        rows = connection.read_parquet(str(path))
        if "id" not in rows.columns:
            return None
        connection.execute("CREATE TABLE gone AS SELECT UNNEST($ids) AS id", {"ids": ids})
        kept = rows.filter("id NOT IN (SELECT g.id FROM gone AS g)")
        if kept.aggregate("COUNT(*)").fetchone() == rows.aggregate("COUNT(*)").fetchone():
            return None
        kept.write_parquet(str(draft), compression="zstd")
    return draft.read_bytes()
