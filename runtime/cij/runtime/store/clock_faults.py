"""The statements that date back what a clock that was ahead had dated."""

from collections.abc import Iterator

from cij.compiler.sql import Statement, query
from cij.runtime.store.schema import INSTANT, TABLES

# Instants that may lie in the future with a right clock: they are moved with their row or stay.
_AHEAD = {
    ("passage_row", "wake_at"),
    ("outbox_row", "due_at"),
    ("outbox_row", "expires_at"),
    ("absent_timer", "wake_at"),
}
_TABLES_AHEAD = ("ahead_event", "suppression_ahead", "consent_ahead", "zone")


def _set_right() -> Iterator[Statement]:
    # Waits first: they are as long as before, from the instant that is the right one.
    yield query(
        "UPDATE passage_row SET wake_at = $now + (wake_at - since) "
        "WHERE since > $now AND since <= $last AND NOT wake_at IS NULL"
    )
    yield query(
        "UPDATE outbox_row SET expires_at = $now + (expires_at - created_at) "
        "WHERE created_at > $now AND created_at <= $last AND NOT expires_at IS NULL"
    )
    yield query(
        "UPDATE outbox_row SET due_at = NULL "
        "WHERE outcome = 'queued' AND due_at > $now AND (created_at > $now OR due_at > $last)"
    )
    for table in TABLES:
        if table.name in _TABLES_AHEAD:
            continue
        for name, type in table.columns:
            if type == INSTANT and (table.name, name) not in _AHEAD:
                yield query(
                    "UPDATE {table} SET {column} = $now WHERE {column} > $now AND {column} <= $last",
                    table=table.name,
                    column=name,
                )


SET_RIGHT = tuple(_set_right())
