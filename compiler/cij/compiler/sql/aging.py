"""Which events are too old to be kept."""

from sqlglot import exp

from cij.compiler.program import Event, Source
from cij.compiler.sql.columns import column
from cij.compiler.sql.intake import event_table
from cij.compiler.sql.load import table_of
from cij.compiler.sql.template import Statement, fill, query


def old_events(event: Event, source: Source | None) -> Statement:
    """Return the statement that deletes the events from before `$before` that arrived before `$arrived`.

    Those stay that a source would give again, and those that a passage reads that goes on.
    """
    table = event_table(event)
    would_come_again: exp.Expr = exp.false()
    if source is not None:
        would_come_again = fill(
            "{id} IN (SELECT CAST({key} AS VARCHAR) FROM {rows} AS s)",
            id=column(table, "id"),
            key=column("s", source.key),
            rows=table_of(source.name),
        )
    return query(
        "DELETE FROM {t} WHERE {at} < $before AND {arrived} < $arrived AND NOT ({again}) "
        "AND NOT {seq} IN (SELECT p.trigger FROM passage_row AS p "
        "WHERE p.ended_at IS NULL AND NOT p.trigger IS NULL) "
        "AND NOT {seq} IN (SELECT p.event FROM passage_row AS p "
        "WHERE p.ended_at IS NULL AND NOT p.event IS NULL) "
        "AND NOT {seq} IN (SELECT n.event FROM noted_event AS n JOIN passage_row AS p ON p.id = n.passage "
        "WHERE p.ended_at IS NULL AND NOT n.event IS NULL) "
        "AND NOT {seq} IN (SELECT q.trigger FROM entry_queue AS q WHERE NOT q.trigger IS NULL)",
        t=table,
        at=column(table, "at"),
        arrived=column(table, "arrived_at"),
        again=would_come_again,
        seq=column(table, "seq"),
    )
