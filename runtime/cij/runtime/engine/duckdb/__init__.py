"""The embedded engine: DuckDB, in one file or in memory."""

from cij.runtime.engine.duckdb.allocation import keep_memory

# Before the driver is loaded, which reads the setting once.
keep_memory()
