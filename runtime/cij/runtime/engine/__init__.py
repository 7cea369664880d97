"""Engines: where statements run. Each sub-package is the one importer of its database's driver.

A driver is loaded when an engine is opened, so what opens none does not pay for it.
"""

from pathlib import Path

from cij.compiler.sql.passes import PASSES, Pass
from cij.runtime.engine.protocol import ArrowStream, Engine, Limits, Parameters, Row, Traits

__all__ = [
    "ArrowStream",
    "Engine",
    "Limits",
    "Parameters",
    "Row",
    "Traits",
    "open_copy",
    "open_engine",
]


def open_engine(
    path: Path | None,
    *,
    threads: int | None = None,
    memory_mb: int | None = None,
    is_tiny: bool = False,
    spill: Path | None = None,
    passes: tuple[Pass, ...] = PASSES,
) -> Engine:
    """Open the state file `path`, made if there is none, or a store in memory for None.

    `is_tiny` is for stores of few rows: no time goes into the best plan of a statement. A store in
    memory puts what does not fit into the folder `spill`, if there is one. `passes` rewrite statements
    before they run; without any they run as the plan has them.
    Raises: StoreError, StoreLocked.
    """
    from cij.runtime.engine.duckdb.connection import DuckEngine

    return DuckEngine(
        path, threads=threads, memory_mb=memory_mb, is_tiny=is_tiny, spill=spill, passes=passes
    )


def open_copy(path: Path) -> Engine:
    """Return a store in memory with everything that the state file `path` holds.

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
