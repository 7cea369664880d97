"""Every table of the store: what it holds of a person, and which rows are theirs (S27).

The conditions read scratch tables, which `identifying.py` fills:

    forget_customer(id)   forget_passage(id)   forget_event(seq)   forget_key(source, key)
    forget_text(text, is_sure)   addresses, ids and keys; with `is_sure` false also names
"""

from dataclasses import dataclass

from cij.compiler.sql import Statement, query
from cij.compiler.sql.erasing import ENTITY, EVENT, RECORD, SOURCE
from cij.compiler.sql.making import scratch

SCRATCH = (
    scratch("forget_customer", [("id", "VARCHAR")]),
    scratch("forget_passage", [("id", "BIGINT")]),
    scratch("forget_event", [("seq", "BIGINT")]),
    scratch("forget_key", [("source", "VARCHAR"), ("key", "VARCHAR")]),
    scratch("forget_text", [("text", "VARCHAR"), ("is_sure", "BOOLEAN")]),
)

_CUSTOMERS = "(SELECT f.id FROM forget_customer AS f)"
_TEXTS = "(SELECT f.text FROM forget_text AS f WHERE f.is_sure)"
_OF_CUSTOMER = f"{{t}}.customer IN {_CUSTOMERS}"
_OF_PASSAGE = "{t}.passage IN (SELECT f.id FROM forget_passage AS f)"
_MERGED = f"{_OF_CUSTOMER} OR {{t}}.alias IN {_CUSTOMERS}"
_OF_KEY = (
    "EXISTS(SELECT 1 FROM forget_key AS f WHERE f.source = {t}.source AND f.key = {t}.key) "
    f"OR {_OF_CUSTOMER}"
)
_SUPPRESSED = f"{_OF_CUSTOMER} OR {{t}}.address IN {_TEXTS}"

_THEIR_CONSENT = " OR ".join(
    f"{{t}}.event IN (SELECT e.id FROM {table} AS e WHERE e.customer IN {_CUSTOMERS})"
    for table in ("event_subscribed", "event_unsubscribed")
)
# Events are erased first, and an origin has nothing of a person but the id of its event.
_NO_EVENT = " AND ".join(
    f"NOT {{t}}.event IN (SELECT e.id FROM {table} AS e WHERE NOT e.id IS NULL)"
    for table in ("event_subscribed", "event_unsubscribed")
)


def _says(column: str, *, is_sure: bool) -> str:
    """Return the condition that a free text has some text of the person in it."""
    sure = " AND f.is_sure" if is_sure else ""
    said, text = f"LOWER({{t}}.{column})", "LOWER(f.text)"
    # The address of `ana` is a part of the one of `joana`.
    pattern = f"CONCAT('(^|[^a-z0-9._%+-])', REGEXP_ESCAPE({text}), '([^a-z0-9_-]|$)')"
    return (
        f"EXISTS(SELECT 1 FROM forget_text AS f WHERE STRPOS({said}, {text}) > 0{sure} "
        f"AND REGEXP_MATCHES({said}, {pattern}))"
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A table of the store.

    `holds` says what it has of a person; empty where it has nothing. `where` is the condition for their
    rows, with `{t}` for the table. These are deleted, or changed by `change`. `shown` is the view, with its
    own condition, that an export reads instead.
    """

    table: str
    holds: str = ""
    where: str = ""
    change: str = ""
    shown: tuple[str, str] = ("", "")

    @property
    def erase(self) -> Statement:
        """The statement that empties the table of the person."""
        how = f"UPDATE {{t}} SET {self.change}" if self.change else "DELETE FROM {t}"
        return query(f"{how} WHERE {self.where}", t=self.table)

    @property
    def export(self) -> Statement:
        """The query for all that the table has of the person."""
        table, where = self.shown if self.shown[0] else (self.table, self.where)
        return query(f"SELECT * FROM {{t}} WHERE {where}", t=table)


# The key of a message is made of the numbers that stay, so none is ever sent again under it (S19).
_NO_CONTENT = (
    "customer = NULL, address = NULL, parameters = NULL, locale = NULL, provider_id = NULL, "
    "due_at = NULL, expires_at = NULL, reason = 'the person was forgotten', "
    "outcome = CASE WHEN outcome IN ('queued', 'sending', 'uncertain', 'failed') THEN 'cancelled' "
    "ELSE outcome END"
)
_OF_VIEW = "{t}.id IN (SELECT f.id FROM forget_passage AS f)"

PLACES = (
    Place("passage_row", "their passages", _OF_VIEW, shown=("passage", _OF_VIEW)),
    Place("move", "their steps", _OF_PASSAGE, shown=("history", _OF_PASSAGE)),
    Place("series", "days of their waits", _OF_PASSAGE),
    Place("noted_event", "events that ended their waits", _OF_PASSAGE),
    Place("absent_timer", "timers of their passages", _OF_PASSAGE),
    Place("split_arm", "which arm they took", _OF_PASSAGE),
    Place("conversion", "goals that they reached", _OF_CUSTOMER),
    Place(
        "outbox_row",
        "their messages and calls: address, values, answers. The numbers of the key stay",
        f"{_OF_CUSTOMER} OR {_OF_PASSAGE}",
        change=_NO_CONTENT,
        shown=("outbox", f"{_OF_CUSTOMER} OR {_OF_PASSAGE}"),
    ),
    Place("suppression", "their address. A keyed hash of it stays", _SUPPRESSED),
    Place("suppression_ahead", "the same, dated in the future", _SUPPRESSED),
    Place(
        "aside",
        "reasons of failures, which may quote them",
        _says("reason", is_sure=True),
        change="reason = 'the reason named a person who was forgotten'",
    ),
    Place(
        "export_run",
        "reasons of exports that failed, which may quote them",
        _says("reason", is_sure=True),
        change="reason = 'the reason named a person who was forgotten'",
    ),
    Place(
        "exported_row",
        "exports that they are in. Their id stays until the next run has written that they are removed",
        _OF_CUSTOMER,
        change="digest = NULL",
    ),
    Place("segment_member", "segments that they are in", _OF_CUSTOMER),
    Place("entry_queue", "that they wait to enter", _OF_CUSTOMER),
    Place("entry_right", "that they may enter", _OF_CUSTOMER),
    Place("turned_away", "that they did not enter", _OF_CUSTOMER),
    Place(
        "ahead_event",
        "their events of the future",
        "{t}.seq IN (SELECT f.seq FROM forget_event AS f)",
    ),
    Place("absent", "that they are in no source", _OF_CUSTOMER),
    Place("customer", "who they are", f"{{t}}.id IN {_CUSTOMERS}"),
    Place("customer_key", "keys of their records", _OF_KEY),
    Place("customer_alias", "their older ids", _MERGED),
    Place("merged", "their older ids", _MERGED),
    Place("customer_id", "their ids", f"{{t}}.id IN {_CUSTOMERS}"),
    Place("field_write", "values that journeys wrote", _OF_CUSTOMER),
    Place("consent_change", "what they agreed to", _OF_CUSTOMER),
    Place("consent_ahead", "what they agreed to from a later time on", _OF_CUSTOMER),
    Place(
        "canonical_address",
        "forms of their addresses",
        f"{{t}}.written IN {_TEXTS} OR {{t}}.canonical IN {_TEXTS}",
    ),
    Place(
        "newcomer",
        "that an event named them",
        f"{{t}}.value IN {_TEXTS} OR {{t}}.key IN {_TEXTS} OR EXISTS(SELECT 1 FROM forget_key AS f "
        "WHERE (f.source = ':newcomer' AND f.key = {t}.key) "
        "OR (f.source = {t}.of_source AND f.key = {t}.of_key))",
    ),
    Place(
        "quarantine",
        "rows and events that were put aside, with their text",
        f"{_says('content', is_sure=False)} OR {_says('reason', is_sure=True)}",
    ),
    Place("anonymous_id", "ids of their browsers and apps", f"{{t}}.who IN {_TEXTS}"),
    Place("anonymous_event", "events of a visitor that name them", _says("content", is_sure=True)),
    Place(
        "consent_origin",
        "where they agreed or refused, and the text they saw",
        _NO_EVENT,
        shown=("consent_origin", _THEIR_CONSENT),
    ),
    # What holds nothing of a person: numbers, names of the program, hashes.
    *map(Place, ("visit", "name", "winner", "effect", "content", "program", "journey_state")),
    *map(Place, ("journey_control", "segment_state", "counter", "meta", "zone", "loaded_source")),
    *map(Place, ("sent_before", "forgotten", "moment", "moment_rule", "applied")),
)


# Tables whose columns come from the program (`cij.compiler.sql.erasing`), by how their names begin: what they
# hold, and how the rows of a person are found.
FAMILIES = {
    SOURCE: ("rows of the sources", "the key of their records, and rows that refer to it"),
    RECORD: ("rows of the last refresh", "as in the sources"),
    EVENT: ("their events", "the customer"),
    ENTITY: ("rows of other tables", "rows that are made of theirs; else their address is removed"),
}
COLUMNS_OF_STORE = query(
    "SELECT c.table_name, c.column_name, UPPER(c.data_type) FROM information_schema.columns AS c "
    # PostgreSQL counts the rows of `move` in a column of its own.
    "WHERE c.table_schema = CURRENT_SCHEMA() AND c.column_name <> 'rowid' "
    "ORDER BY c.table_name, c.ordinal_position"
)
TABLES_OF_STORE = query(
    "SELECT t.table_name FROM information_schema.tables AS t "
    "WHERE t.table_schema = CURRENT_SCHEMA() AND t.table_type = 'BASE TABLE' ORDER BY t.table_name"
)
