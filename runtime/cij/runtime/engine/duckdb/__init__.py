"""The embedded engine: DuckDB, in one file or in memory."""

from cij.runtime.engine.duckdb.allocation import keep_memory

# The driver reads the setting once when it is loaded, so this has to come first.
keep_memory()
