"""catalog.lock.json: statistics of the source columns.

The file is committed, so its content is sorted and deterministic.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cij.app.project_files import CATALOG_NAME
from cij.compiler.column_statistics import Catalog, ColumnStatistics
from cij.compiler.model import Model
from cij.runtime.errors import ConfigError

# The most seconds that a checkout may take between two files.
_CHECKOUT_S = 60


def load_catalog(root: Path) -> Catalog:
    """Read catalog.lock.json; without the file, return an empty catalog. Raises: ConfigError."""
    path = root / CATALOG_NAME
    if not path.is_file():
        return {}
    try:
        return catalog_of(path.read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{CATALOG_NAME} is damaged ({error}); run `cij catalog refresh`"
        raise ConfigError(message) from error


def catalog_of(text: str) -> Catalog:
    """Return the catalog in the text of the file.

    Raises: ValueError, KeyError, TypeError or AttributeError where it is damaged.
    """
    return {
        source: {name: _seen(column) for name, column in entry["columns"].items()}
        for source, entry in json.loads(text)["sources"].items()
    }


def _seen(column: Mapping[str, Any]) -> ColumnStatistics:
    share, ends = column.get("unknown_share"), (column.get("low"), column.get("high"))
    values = tuple(column.get("values", ()))
    texts = (column["type"], *values, *(end for end in ends if end is not None))
    is_share = share is None or (isinstance(share, (int, float)) and 0 <= share <= 1)
    if not (is_share and all(isinstance(text, str) for text in texts)):
        raise ValueError("a column says what no column can")
    return ColumnStatistics(column["type"], share, *ends, values, bool(column.get("is_personal")))


def described(seen: ColumnStatistics) -> dict[str, Any]:
    """Return the entry of a column for the file, without unknown values."""
    row: dict[str, Any] = {"type": seen.type}
    if seen.unknown_share is not None:
        row["unknown_share"] = seen.unknown_share
    if seen.is_personal:
        row["is_personal"] = True
    if seen.low is not None:
        row |= {"low": seen.low, "high": seen.high}
    if seen.values:
        row["values"] = list(seen.values)
    return row


def stale_entries(root: Path, model: Model, catalog: Catalog) -> Iterator[str]:
    """Yield a sentence for each entry that does not fit its source any more.

    Only columns and times of files are compared. Whether the values are current, only a refresh can
    find.
    """
    if not catalog:
        return
    for source in model.sources.values():
        seen = catalog.get(source.name)
        missing = [c.name for c in source.columns if seen is not None and c.name not in seen]
        columns = ", ".join(missing)
        if seen is None:
            yield f"{CATALOG_NAME} has nothing about source {source.name}; run `cij catalog refresh`"
        elif missing:
            what = f"has nothing about {columns} of source {source.name}"
            yield f"{CATALOG_NAME} {what}; run `cij catalog refresh`"
        elif _is_newer(root / (path := source.settings.get("path", "")), root / CATALOG_NAME):
            what = f"is older than {path} of source {source.name}"
            yield f"{CATALOG_NAME} {what}; run `cij catalog refresh`"


def _is_newer(data: Path, file: Path) -> bool:
    # A checkout writes all files at nearly the same time and in any order.
    is_there = data.is_file() and file.is_file()
    return is_there and data.stat().st_mtime > file.stat().st_mtime + _CHECKOUT_S
