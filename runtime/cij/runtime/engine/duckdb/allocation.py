"""The setting of DuckDB's allocator, which reads it once when the driver is loaded.

Memory that a statement frees is kept for ten seconds for the next one. By default much of it is
returned to the system at once, and a small tick spent up to a third of its time to allocate it
again.
"""

import os

_VARIABLE = "DUCKDB_JE_MALLOC_CONF"
_SETTING = "dirty_decay_ms:10000,muzzy_decay_ms:10000"


def keep_memory() -> None:
    """Set the variable, unless the environment has it already."""
    os.environ.setdefault(_VARIABLE, _SETTING)
