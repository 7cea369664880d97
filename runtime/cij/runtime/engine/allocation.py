"""How DuckDB's allocator is set, which it reads once: when it is loaded.

What a statement frees, the next one can have for ten seconds. By default much of it goes back to the
system at once, and to get it again took a small tick up to a third of its time.
"""

import os

_VARIABLE = "DUCKDB_JE_MALLOC_CONF"
_SETTING = "dirty_decay_ms:10000,muzzy_decay_ms:10000"


def keep_memory() -> None:
    """Have it so, unless somebody else has said how it shall be."""
    os.environ.setdefault(_VARIABLE, _SETTING)
