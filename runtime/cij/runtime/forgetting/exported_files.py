"""Files of exports: the rows of a person are taken out of them (S27)."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Set as AbstractSet
from pathlib import Path

from cij.runtime.engine.duckdb.parquet_rows import without_ids
from cij.runtime.private_files import require_inside, write_private


def clean_exports(root: Path, files: Iterable[str], ids: AbstractSet[str]) -> int:
    """Take the rows of people out of files of exports, and return how many files had some.

    `files` begin at `root`; those that are gone are left out. So is one that somebody has changed until no
    reader of its kind can read it: the search for files that name the person finds it. Raises: OSError;
    ConfigError where a link leads out of `root`.
    """
    paths = [root / file for file in files]
    return sum(_cleaned(root, path, ids) for path in paths if path.is_file())


def _cleaned(root: Path, path: Path, ids: AbstractSet[str]) -> bool:
    require_inside(root, path)
    found = _WITHOUT[path.suffix](path, ids)
    if found is not None:
        write_private(path, found)
    return found is not None


def _csv(path: Path, ids: AbstractSet[str]) -> bytes | None:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            head, *rows = csv.reader(lines)
    except (ValueError, csv.Error):
        return None
    kept = [r for r in rows if not _is_theirs(dict(zip(head, r, strict=False)), ids)]
    if len(kept) == len(rows):
        return None
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([head, *kept])
    return text.getvalue().encode()


def _jsonl(path: Path, ids: AbstractSet[str]) -> bytes | None:
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not _is_theirs(_object(line), ids)]
    return None if len(kept) == len(lines) else b"".join(kept)


def _object(line: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_theirs(row: Mapping[str, object], ids: AbstractSet[str]) -> bool:
    return row.get("id") in ids


_WITHOUT: Mapping[str, Callable[[Path, AbstractSet[str]], bytes | None]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".parquet": without_ids,
}
