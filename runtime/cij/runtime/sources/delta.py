"""Delta tables, in a folder of the project or at `s3://` and `az://`. Settings: path, version.

The library is loaded when the first such source is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cij.compiler.program import Source
from cij.compiler.source_kinds import scheme_of
from cij.runtime.engine.delta_rows import DeltaRows, identity_of, open_delta
from cij.runtime.engine.duckdb.scan import FileScan
from cij.runtime.errors import DataError
from cij.runtime.sources.reader import (
    ColumnName,
    Kind,
    Reading,
    failure,
    from_environment,
    path_of,
    require_columns,
    with_environment,
)
from cij.runtime.sources.table_reading import row_numbers

if TYPE_CHECKING:
    from deltalake import DeltaTable

# The settings of a source by the names that the library has for them.
_OPTIONS = {
    "region": "aws_region",
    "access_key": "aws_access_key_id",
    "secret_key": "aws_secret_access_key",
    "session_token": "aws_session_token",
    "account": "azure_storage_account_name",
    "sas": "azure_storage_sas_token",
    "allow_http": "allow_http",
}
_ENDPOINT = {"s3": "aws_endpoint_url", "az": "azure_storage_endpoint"}


@contextmanager
def read(source: Source, root: Path) -> Iterator[Reading]:
    """Open the table. Raises DataError when it cannot be read."""
    with _opened(source, root) as table, FileScan() as scan:
        there = scan.arrow(DeltaRows(table))
        wanted = [c.outside for c in source.columns]
        if any(not there.has(name) for name in wanted):
            require_columns(source, there.paths(), source.settings["path"])
        scan.arrow_again(DeltaRows(table, there.roots(wanted)))
        yield Reading(source.settings["path"], there.rows(wanted), list, row_numbers)


def fingerprint(source: Source, root: Path) -> str:
    """The id of the table and its version."""
    with _opened(source, root) as table:
        return identity_of(table)


def names(source: Source, root: Path) -> list[ColumnName]:
    """Return the columns with their types; those of structures by their path."""
    with _opened(source, root) as table, FileScan() as scan:
        there = scan.arrow(DeltaRows(table))
        return [ColumnName(path, there.type_of(path)) for path in there.paths()]


KIND = Kind(read, fingerprint, names)


@contextmanager
def _opened(source: Source, root: Path) -> "Iterator[DeltaTable]":
    filled, path = with_environment(source), source.settings["path"]
    address = from_environment(path, source)
    scheme = scheme_of(address)
    if not scheme:
        address = str(path_of(source, root, is_folder=True))
    version = source.settings.get("version")
    options = _options(filled, scheme) if scheme else {}
    try:
        with open_delta(address, int(version) if version else None, options) as table:
            yield table
    except DataError as error:
        if str(error).startswith(f"source {source.name}: "):
            raise
        raise failure(source, f"cannot read {path}: {error}") from error


def _options(source: Source, scheme: str) -> dict[str, str]:
    settings = source.settings
    found = {name: settings[word] for word, name in _OPTIONS.items() if word in settings}
    if "endpoint" in settings:
        found[_ENDPOINT[scheme]] = settings["endpoint"]
    if scheme == "s3" and "access_key" not in settings:
        # Otherwise it looks for a server that gives keys, which is there in the cloud only.
        found["aws_skip_signature"] = "true"
    return found
