"""Engines execute statements. Each sub-package is the only importer of its database's driver.

A driver is loaded when an engine is opened, so a command without a store starts faster.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from cij.compiler.sql.passes import PASSES, Pass
from cij.runtime.engine.protocol import (
    ArrowStream,
    Engine,
    Limits,
    Parameters,
    Row,
    StreamDigests,
    Traits,
)

if TYPE_CHECKING:
    from cij.runtime.engine.postgresql.server_facts import Fact

__all__ = [
    "ArrowStream",
    "Engine",
    "Limits",
    "Parameters",
    "Row",
    "StreamDigests",
    "Traits",
    "copy_state_file",
    "open_copy",
    "open_digests",
    "open_engine",
    "open_server",
    "rewrite_state_file",
    "server_facts",
]


def open_engine(
    path: Path | None,
    *,
    threads: int | None = None,
    memory_mb: int | None = None,
    is_tiny: bool = False,
    spill: Path | None = None,
    passes: tuple[Pass, ...] = PASSES,
    is_reader: bool = False,
) -> Engine:
    """Open the state file `path` and create it if it is missing; None opens a store in memory.

    `is_tiny` is for stores with few rows: the engine does not optimise statements. A store in
    memory writes what does not fit into the folder `spill`, if one is given. `passes` rewrite
    statements before they run; without passes they run as in the plan. A file that is opened with
    `is_reader` has to exist, and stays as it is; no other process can write to it meanwhile.
    Raises: StoreError, StoreLocked.
    """
    from cij.runtime.engine.duckdb.connection import DuckEngine

    return DuckEngine(
        path,
        threads=threads,
        memory_mb=memory_mb,
        is_tiny=is_tiny,
        spill=spill,
        passes=passes,
        is_reader=is_reader,
    )


def open_server(
    dsn: str,
    schema: str,
    purpose: str = "store",
    *,
    is_reader: bool = False,
    wait: Callable[[str], bool] | None = None,
) -> Engine:
    """Open a store in the schema `schema` of a PostgreSQL database, as its one writer or as a reader.

    `purpose` is what the server shows of the session. Where another process is the writer, `wait` gets a
    sentence about it, pauses, and tells whether to ask again. Raises: ConfigError, StoreError, StoreLocked.
    """
    from cij.compiler.sql.indexes import indexes_of, is_computed, is_ordered
    from cij.runtime.engine.postgresql.server_engine import Layout, PostgresEngine
    from cij.runtime.engine.postgresql.session import Address

    address = Address(dsn, schema)
    return PostgresEngine(
        address,
        purpose,
        Layout(indexes_of, is_ordered, is_computed),
        is_reader=is_reader,
        wait=wait,
    )


def server_facts(engine: Engine) -> "list[Fact]":
    """Return what is to be known of the server of a store."""
    from cij.runtime.engine.postgresql.server_facts import facts_of

    return facts_of(engine)


def open_copy(path: Path) -> Engine:
    """Return a store in memory with a copy of the state file `path`.

    Raises: StoreError, StoreLocked.
    """
    from cij.runtime.engine.duckdb.connection import DuckEngine

    engine = DuckEngine(None)
    try:
        engine.copy_from(path)
    except BaseException:
        engine.close()
        raise
    return engine


def open_digests() -> AbstractContextManager[StreamDigests]:
    """Return what computes digests of streams of any engine."""
    from cij.runtime.engine.duckdb.stream_digest import DuckDigests

    return DuckDigests()


def copy_state_file(path: Path, target: Path) -> None:
    """Copy a state file to `target`, also while another process has it open. Raises: StoreError."""
    from cij.runtime.engine.duckdb.file_copy import copy_file

    copy_file(path, target)


def rewrite_state_file(path: Path) -> None:
    """Write a closed state file anew, so that nothing is left in it of what was deleted.

    Raises: StoreError.
    """
    from cij.runtime.engine.duckdb.file_rewrite import rewrite_file

    rewrite_file(path)
