"""The engine: one journey over many people, beside hand-written SQL that does the same."""

# First, so that the driver has the same settings in what is written by hand.
import cij.runtime.engine.duckdb as _engine  # noqa: F401
