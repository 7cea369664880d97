"""Engines: where statements run. The only importer of database drivers."""

from cij.runtime.engine.allocation import keep_memory

# Before the driver is loaded.
keep_memory()

from cij.runtime.engine.duck import DuckEngine, Engine
from cij.runtime.engine.remembered import Row
from cij.runtime.engine.staging import CsvFile, Reject

__all__ = ["CsvFile", "DuckEngine", "Engine", "Reject", "Row"]
