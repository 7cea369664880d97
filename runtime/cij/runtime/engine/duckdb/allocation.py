"""The setting of DuckDB's allocator, which reads it once: when the driver is loaded.

Memory that a statement frees is kept for ten seconds for the next one. By default much of it goes back
to the system at once, and to get it again took a small tick up to a third of its time.
"""

import os

_VARIABLE = "DUCKDB_JE_MALLOC_CONF"
_SETTING = "dirty_decay_ms:10000,muzzy_decay_ms:10000"


def keep_memory() -> None:
    """Set it, unless the environment has a setting already."""
    os.environ.setdefault(_VARIABLE, _SETTING)
