"""Rows of a store as a file: CSV, JSON lines or Parquet. The file is there as a whole, or not at all."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import duckdb

from cij.runtime.engine.duckdb.closed import CLOSED
from cij.runtime.engine.duckdb.connection import BROKEN, HiddenStream, first_line
from cij.runtime.engine.protocol import ArrowStream
from cij.runtime.errors import ConfigError

# The endings of the files.
Format = Literal[".csv", ".jsonl", ".parquet"]
FORMATS: dict[str, Format] = {format: format for format in get_args(Format)}

_OPTIONS: dict[Format, str] = {
    ".csv": "FORMAT csv, HEADER true",
    ".jsonl": "FORMAT json",
    ".parquet": "FORMAT parquet, COMPRESSION zstd",
}
# A spreadsheet takes a text that begins so for a formula, but a number or a phone number does nothing.
FORMULA = "^[=+@\t\r-]"
HARMLESS = "^[+-][0-9][0-9 ().-]*$"


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type: str


def write_table(stream: ArrowStream, names: Sequence[str], path: Path, format: Format) -> int:
    """Write all rows to a file in place of an older one; return their number. Raises ConfigError.

    `names` are those of the columns in the file. The file is private. Numbers with a fraction and
    instants are texts in CSV and JSON lines, so that no reader rounds them.
    """
    try:
        handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error
    try:
        count = _copy(stream, names, Path(draft), format)
        os.replace(draft, path)
    except (duckdb.Error, OSError) as error:
        raise ConfigError(f"cannot write {path}: {str(error).splitlines()[0]}") from error
    finally:
        with suppress(OSError):
            os.unlink(draft)
    return count


def fill_file(
    stream: ArrowStream, names: Sequence[str], draft: Path, format: Format, name: str
) -> int:
    """As `write_table`, but without a rename: a broken attempt leaves a part of the file.

    Errors call the file `name`.
    """
    try:
        # What an earlier run left, or a link that somebody put there.
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        return _copy(stream, names, draft, format)
    except OSError as error:
        raise ConfigError(f"cannot write {name}: {error.strerror}") from error
    except duckdb.Error as error:
        found = first_line(error)
        raise ConfigError(f"cannot write {name}: {found.partition(BROKEN)[2] or found}") from error


def _copy(stream: ArrowStream, names: Sequence[str], draft: Path, format: Format) -> int:
    with duckdb.connect(":memory:", config=CLOSED) as connection:
        connection.register("stream", HiddenStream(stream))
        # Looking at the columns of a stream runs its query, which would run once more for the rows.
        connection.execute("CREATE TEMP TABLE rows AS SELECT * FROM stream")
        found = connection.execute("DESCRIBE rows").fetchall()
        columns = [_Column(name, type) for name, type, *_ in found]
        pairs = zip(columns, names, strict=True)
        picks = ", ".join(f"{_value(c, format)} AS {_quoted(name)}" for c, name in pairs)
        options = f"{_OPTIONS[format]}, USE_TMP_FILE false"
        text = f"COPY (SELECT {picks} FROM rows) TO '{_escaped(str(draft))}' ({options})"
        [(count,)] = connection.execute(text).fetchall()
    return int(count)


def _value(column: _Column, format: Format) -> str:
    value = _quoted(column.name)
    if format == ".parquet":
        return value
    if column.type.startswith("DECIMAL") and column.type.endswith(",0)"):
        return f"CAST({value} AS HUGEINT)"
    if column.type.startswith("DECIMAL"):
        text = f"CAST({value} AS VARCHAR)"
        return (
            f"CASE WHEN contains({text}, '.') THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"
        )
    if column.type == "TIMESTAMP":
        return f"replace(CAST({value} AS VARCHAR), ' ', 'T') || 'Z'"
    if format == ".csv" and column.type == "VARCHAR":
        is_formula = f"regexp_matches({value}, '{FORMULA}')"
        is_harmless = f"regexp_matches({value}, '{HARMLESS}')"
        return (
            f"CASE WHEN {is_formula} AND NOT {is_harmless} THEN chr(39) || {value} ELSE {value} END"
        )
    return value


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _escaped(text: str) -> str:
    return text.replace("'", "''")
