"""The table `meta`: single values of the whole store, by name."""

from cij.compiler.sql import query
from cij.runtime.engine import Engine

# The version of the schema, for migrations.
STORE_VERSION = "store_version"
# The hash of the policies that were deployed last.
POLICIES = "policies"

# What tells this store from all others: part of each Message-ID.
STORE_ID = "store_id"
# The name of the project whose state it is.
PROJECT = "project"
# The number of the last batch that was handed over (`delivery/ledger.py`).
HANDED = "handed"
# The hash of the messages and their defaults that were deployed last.
TEXTS = "texts"
# The day on which retention was applied last.
AGED = "aged"
# Set where values were deleted that must not stay in the free blocks of the file.
REWRITE = "rewrite"
# In front of the name of a way: the instants of its rates (`delivery/pacing.py`).
RATE = "rate of "

_GET = query("SELECT m.value FROM meta AS m WHERE m.name = $name")
_OF_PREFIX = query(
    "SELECT m.name, m.value FROM meta AS m WHERE m.name LIKE $pattern ORDER BY m.name"
)
_FORGET = query("DELETE FROM meta WHERE name = $name")
_PUT = query("INSERT INTO meta (name, value) VALUES ($name, $value)")


def value(engine: Engine, name: str) -> str | None:
    """Return a value; None where it is missing."""
    found = engine.rows(_GET, {"name": name})
    return str(found[0][0]) if found else None


def of_prefix(engine: Engine, prefix: str) -> list[tuple[str, str]]:
    """Return (rest of the name, value) of all values whose name begins so."""
    rows = engine.rows(_OF_PREFIX, {"pattern": f"{prefix}%"})
    return [(name.removeprefix(prefix), value) for name, value in rows]


def put(engine: Engine, name: str, value: str) -> None:
    """Set a value and replace an older one."""
    engine.execute(_FORGET, {"name": name})
    engine.execute(_PUT, {"name": name, "value": value})


def forget(engine: Engine, name: str) -> None:
    """Remove a value."""
    engine.execute(_FORGET, {"name": name})


# --- orders -----------------------------------------------------------------------------------

_IS_DONE = query("SELECT COUNT(*) FROM meta AS m WHERE m.name = 'order' AND m.value = $file")
_DONE = query("INSERT INTO meta (name, value) VALUES ('order', $file)")


def is_done(engine: Engine, file: str) -> bool:
    """Tell whether the order in a file was carried out, so that a crash never repeats it."""
    return bool(engine.rows(_IS_DONE, {"file": file})[0][0])


def note_done(engine: Engine, file: str) -> None:
    """Record that the order in a file was carried out, in the transaction that does so."""
    engine.execute(_DONE, {"file": file})


# --- new data ---------------------------------------------------------------------------------

HAS_NEW_DATA = query("SELECT COUNT(*) FROM meta AS m WHERE m.name = 'new_data'")
DATA_SEEN = query("DELETE FROM meta WHERE name = 'new_data'")
DATA_IS_NEW = query("INSERT INTO meta (name, value) VALUES ('new_data', 'yes')")

# --- the last tick ----------------------------------------------------------------------------

LAST_TICK = query("SELECT m.value FROM meta AS m WHERE m.name = 'last_tick'")
SET_LAST_TICK = query("UPDATE meta SET value = $value WHERE name = 'last_tick'")
FIRST_TICK = query("INSERT INTO meta (name, value) VALUES ('last_tick', $value)")
