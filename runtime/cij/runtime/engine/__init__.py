"""Engines: where statements run. The only importer of database drivers."""

from cij.runtime.engine.duck import DuckEngine, Engine, Row

__all__ = ["DuckEngine", "Engine", "Row"]
