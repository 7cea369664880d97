"""The table `meta`: single values of the whole store, by name."""

from datetime import datetime

from cij.compiler.sql import query
from cij.runtime.engine import Engine

# The version of the schema, for migrations.
STORE_VERSION = "store_version"
# The hash of the policies that were deployed last.
POLICIES = "policies"

# The hash of the messages and their defaults that were deployed last.
TEXTS = "texts"

_GET = query("SELECT m.value FROM meta AS m WHERE m.name = $name")
_FORGET = query("DELETE FROM meta WHERE name = $name")
_PUT = query("INSERT INTO meta (name, value) VALUES ($name, $value)")


def value(engine: Engine, name: str) -> str | None:
    """Return a value; None where it is missing."""
    found = engine.rows(_GET, {"name": name})
    return str(found[0][0]) if found else None


def put(engine: Engine, name: str, value: str) -> None:
    """Set a value and replace an older one."""
    engine.execute(_FORGET, {"name": name})
    engine.execute(_PUT, {"name": name, "value": value})


# --- orders -----------------------------------------------------------------------------------

_IS_DONE = query("SELECT COUNT(*) FROM meta AS m WHERE m.name = 'order' AND m.value = $file")
_DONE = query("INSERT INTO meta (name, value) VALUES ('order', $file)")


def is_done(engine: Engine, file: str) -> bool:
    """Tell whether the order in a file was carried out, so that a crash never repeats it."""
    return bool(engine.rows(_IS_DONE, {"file": file})[0][0])


def note_done(engine: Engine, file: str) -> None:
    """Record that the order in a file was carried out, in the transaction that does so."""
    engine.execute(_DONE, {"file": file})


# --- failures in a pause ----------------------------------------------------------------------

# From which event and tick on nothing ran of a journey that failed while it was paused. The row of
# `journey_control` holds the same of the pause itself, which goes on.
_FAILED = "failed in a pause: "
FAILED_IN_PAUSE = query(
    f"SELECT m.name, m.value FROM meta AS m WHERE m.name LIKE '{_FAILED}%' ORDER BY m.name"
)
_NOTE_FAILED = query(
    """
INSERT INTO meta (name, value)
SELECT $name, CONCAT(CAST(k.value AS VARCHAR), ' ', COALESCE(
  (SELECT m.value FROM meta AS m WHERE m.name = 'last_tick'), CAST($now AS VARCHAR)))
FROM counter AS k WHERE k.name = 'taken'
"""
)


def note_failed_in_pause(engine: Engine, journey: str, now: datetime) -> None:
    """Note from where on nothing runs; an earlier note stays."""
    if value(engine, _FAILED + journey) is None:
        engine.execute(_NOTE_FAILED, {"name": _FAILED + journey, "now": now})


def failed_in_pause(engine: Engine) -> list[tuple[str, int, datetime]]:
    """Return (journey, last event, last tick) of each note."""
    found = []
    for name, text in engine.rows(FAILED_IN_PAUSE):
        taken, ticked_at = text.split(" ", 1)
        at = datetime.fromisoformat(ticked_at)
        found.append((name.removeprefix(_FAILED), int(taken), at))
    return found


def forget_failed_in_pause(engine: Engine, journey: str) -> None:
    """Note that what fell into the failure has been made up, or never will be."""
    engine.execute(_FORGET, {"name": _FAILED + journey})


# --- new data ---------------------------------------------------------------------------------

HAS_NEW_DATA = query("SELECT COUNT(*) FROM meta AS m WHERE m.name = 'new_data'")
DATA_SEEN = query("DELETE FROM meta WHERE name = 'new_data'")
DATA_IS_NEW = query("INSERT INTO meta (name, value) VALUES ('new_data', 'yes')")

# --- the last tick ----------------------------------------------------------------------------

LAST_TICK = query("SELECT m.value FROM meta AS m WHERE m.name = 'last_tick'")
SET_LAST_TICK = query("UPDATE meta SET value = $value WHERE name = 'last_tick'")
FIRST_TICK = query("INSERT INTO meta (name, value) VALUES ('last_tick', $value)")
