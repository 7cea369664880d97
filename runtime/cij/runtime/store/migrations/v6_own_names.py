"""To version 6: no table of the store has a name that a source, an event or an entity could give it.

Their tables are called `source_…`, `event_…` and `entity_…`. A source `state` and an event `ahead` met
tables of the store.
"""

from cij.compiler.sql import query
from cij.runtime.engine import Engine

_ROWS = {
    "source_state": (
        "loaded_source",
        "source VARCHAR, fingerprint VARCHAR, loaded_at TIMESTAMP, rows BIGINT, bad BIGINT",
        "source, fingerprint, loaded_at, rows, bad",
    ),
    "event_ahead": (
        "ahead_event",
        "seq BIGINT, event VARCHAR, at TIMESTAMP",
        "seq, event, at",
    ),
}


def run(engine: Engine) -> None:
    """Give two tables their new names."""
    for old, (new, columns, names) in _ROWS.items():
        # The columns tell a table of the store from one of a source or event with this name.
        if list(engine.columns_of(old)) == names.split(", "):
            engine.execute(query(f"CREATE TABLE {new} ({columns})"))
            engine.execute(query(f"INSERT INTO {new} ({names}) SELECT {names} FROM {old}"))
            engine.execute(query(f"DROP TABLE {old}"))
