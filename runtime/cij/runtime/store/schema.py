"""Every table of the store: its columns, their types, and its key.

Instants are UTC without a zone. A key is declared but not enforced, because an index slows DuckDB's
large inserts. Rows are unique because a move and its effects commit together, and `cij doctor`
checks it. An engine that needs indexes makes them from the keys.

Tables whose columns depend on a program (`customer`, `event_…`, `source_…`, entities) are not here.
The modules that read them make them (`cij.compiler.sql.unify`, `intake`, `load`, `entity_rows`).
"""

from collections.abc import Iterator

from cij.compiler.sql import Statement, moments
from cij.compiler.sql.table import Table
from cij.runtime.store.outcomes import OUTCOME
from cij.runtime.store.views import VIEWS

TEXT, NUMBER, COUNT, YES, INSTANT = "VARCHAR", "BIGINT", "INTEGER", "BOOLEAN", "TIMESTAMP"
DAY = "DATE"

# --- passages ---------------------------------------------------------------------------------

# One row for each entry. Names are numbers (`interning`); the view `passage` has texts. `since`,
# `counts_from` and `event` are valid only for open passages: an end does not update them, to save
# time.
PASSAGE = Table(
    "passage_row",
    (
        *(("id", NUMBER), ("journey", NUMBER), ("version", NUMBER), ("customer", TEXT)),
        *(("entry_key", TEXT), ("trigger", NUMBER), ("turn", NUMBER), ("is_held_out", YES)),
        *(("entered_at", INSTANT), ("entered_from", INSTANT), ("state", NUMBER)),
        *(("since", INSTANT), ("counts_from", INSTANT), ("event", NUMBER), ("wake_at", INSTANT)),
        *(("ended_at", INSTANT), ("outcome", NUMBER), ("cause", NUMBER), ("at_entry", TEXT)),
        ("customer_row", NUMBER),
    ),
    key=("id",),
    plain=("customer", "at_entry"),
)
# Each move of a passage along a path, in the order of writing.
MOVE = Table(
    "move",
    (("passage", NUMBER), ("at", INSTANT), ("path", NUMBER), ("why", NUMBER), ("event", NUMBER)),
)
# The states of each path, which `history` shows for a move.
VISIT = Table(
    "visit",
    (("path", NUMBER), ("n", COUNT), ("state", TEXT), ("why", TEXT)),
    key=("path", "n"),
)
# The day of the month on which a wait in a loop would have ended, if the month were long enough.
SERIES = Table(
    "series",
    (
        *(("passage", NUMBER), ("state", NUMBER), ("day", COUNT), ("ends", DAY)),
        ("at", INSTANT),
    ),
    key=("passage", "state"),
)
# The event that ended a wait, by the name that the wait gives it (`LABEL.field` behind the wait).
NOTED_EVENT = Table(
    "noted_event",
    (("passage", NUMBER), ("step", TEXT), ("event", NUMBER)),
    key=("passage", "step"),
)
NAME = Table("name", (("id", NUMBER), ("text", TEXT)), key=("id",))
CONVERSION = Table(
    "conversion",
    (
        *(("journey", TEXT), ("version", TEXT), ("goal", TEXT), ("passage", NUMBER)),
        *(("customer", TEXT), ("event", NUMBER), ("at", INSTANT)),
    ),
)
SPLIT_ARM = Table(
    "split_arm",
    (("journey", TEXT), ("split", TEXT), ("arm", TEXT), ("passage", NUMBER), ("at", INSTANT)),
)
WINNER = Table(
    "winner",
    (
        *(("journey", TEXT), ("split", TEXT), ("arm", TEXT)),
        *(("people", NUMBER), ("conversions", NUMBER), ("at", INSTANT)),
    ),
    key=("journey", "split"),
)

# --- the outbox -------------------------------------------------------------------------------

# What a step sends or calls: the values that are the same in all its rows.
EFFECT = Table(
    "effect",
    (
        *(("id", NUMBER), ("journey", TEXT), ("version", TEXT), ("step", TEXT)),
        *(("channel", TEXT), ("topic", TEXT), ("message", TEXT), ("content", TEXT)),
    ),
    key=("id",),
)
# One row for each message or call. A number takes a tenth of the time of a text to write, also
# where the text is the same in all rows. So the key is not stored, and its text is made from these
# numbers.
OUTBOX = Table(
    "outbox_row",
    (
        *(("effect", NUMBER), ("passage", NUMBER), ("turn", NUMBER), ("customer", TEXT)),
        *(("locale", TEXT), ("address", TEXT), ("parameters", TEXT), ("created_at", INSTANT)),
        *(("outcome", OUTCOME), ("reason", TEXT), ("attempts", COUNT), ("due_at", INSTANT)),
        *(("settled_at", INSTANT), ("provider_id", TEXT), ("expires_at", INSTANT)),
    ),
    key=("effect", "passage", "turn"),
    plain=("customer", "address", "parameters"),
    # A row without an effect would be missing from the view `outbox`.
    known=("effect",),
)
CONTENT = Table("content", (("hash", TEXT), ("message", TEXT)), key=("hash",))
# An address, a customer or both, who must get nothing on one channel, or on all where `channel` is
# null.
SUPPRESSION = Table(
    "suppression",
    (("channel", TEXT), ("address", TEXT), ("customer", TEXT), ("reason", TEXT), ("at", INSTANT)),
)
# Those that are dated in the future.
SUPPRESSION_AHEAD = Table("suppression_ahead", SUPPRESSION.columns)

# --- journeys ---------------------------------------------------------------------------------

PROGRAM = Table(
    "program",
    (("hash", TEXT), ("text", TEXT), ("deployed_at", INSTANT), ("number", NUMBER)),
    key=("hash",),
)
# Each program that came into the store: by `apply`, `rollback` or `run`. `texts` is JSON, null for old
# rows. `share` is the percentage of those who enter that get it.
APPLIED = Table(
    "applied",
    (
        *(("number", NUMBER), ("hash", TEXT), ("at", INSTANT), ("what", TEXT), ("who", TEXT)),
        *(("revision", TEXT), ("texts", TEXT), ("share", NUMBER)),
    ),
    key=("number",),
)
JOURNEY_STATE = Table(
    "journey_state",
    (("journey", TEXT), ("started_at", INSTANT), ("entered_until", INSTANT)),
    key=("journey",),
)
# The state of a journey by orders and failures; a journey without a row is live. `taken` and
# `ticked_at` are the last event and the last tick before a pause or failure.
CONTROL = Table(
    "journey_control",
    (
        *(("journey", TEXT), ("state", TEXT), ("since", INSTANT), ("drops_entries", YES)),
        *(("taken", NUMBER), ("ticked_at", INSTANT)),
    ),
    key=("journey",),
)
# A journey, segment, source or order that failed as a whole and was put aside (S28). `was` is the
# state that an order gave a journey before.
ASIDE = Table(
    "aside",
    (("kind", TEXT), ("name", TEXT), ("reason", TEXT), ("since", INSTANT), ("was", TEXT)),
    key=("kind", "name"),
)
SEGMENT_MEMBER = Table(
    "segment_member",
    (("segment", NUMBER), ("customer", TEXT), ("since", INSTANT)),
    key=("segment", "customer"),
    plain=("customer",),
)
SEGMENT_STATE = Table(
    "segment_state",
    (("segment", TEXT), ("evaluated_at", INSTANT), ("definition", TEXT), ("joined_at", INSTANT)),
    key=("segment",),
)
ENTRY_QUEUE = Table(
    "entry_queue",
    (
        *(("number", NUMBER), ("journey", TEXT), ("customer", TEXT), ("entry_key", TEXT)),
        *(("trigger", NUMBER), ("entered_from", INSTANT), ("segment", NUMBER)),
        ("queued_at", INSTANT),
    ),
    key=("number",),
)
# Rights to enter that could not be used yet (S7). `since` is when the customer joined the segment.
ENTRY_RIGHT = Table(
    "entry_right",
    (("journey", NUMBER), ("customer", TEXT), ("segment", NUMBER), ("since", INSTANT)),
    key=("journey", "customer"),
)
TURNED_AWAY = Table(
    "turned_away",
    (
        *(("journey", TEXT), ("customer", TEXT), ("entry_key", TEXT), ("trigger", NUMBER)),
        *(("at", INSTANT), ("reason", TEXT)),
    ),
)

# --- events and the clock ---------------------------------------------------------------------

# Events that have arrived and whose own time is in the future.
EVENT_AHEAD = Table(
    "ahead_event", (("seq", NUMBER), ("event", TEXT), ("at", INSTANT)), key=("seq",)
)
COUNTER = Table("counter", (("name", TEXT), ("value", NUMBER)), key=("name",))
# `order` has a row for each order that was carried out. All other names have one row, so there is
# no key.
META = Table("meta", (("name", TEXT), ("value", TEXT)))
ZONE = Table(
    "zone",
    (
        *(("name", TEXT), ("utc_from", INSTANT), ("utc_to", INSTANT)),
        *(("local_from", INSTANT), ("local_to", INSTANT), ("offset_s", NUMBER)),
    ),
    key=("name", "utc_from"),
)

# --- customers --------------------------------------------------------------------------------

# Customers who are in no source any more, and the timers of their passages (`absence`).
ABSENT = Table("absent", (("customer", TEXT), ("since", INSTANT)), key=("customer",))
ABSENT_TIMER = Table("absent_timer", (("passage", NUMBER), ("wake_at", INSTANT)), key=("passage",))
CUSTOMER_KEY = Table(
    "customer_key",
    (("source", TEXT), ("key", TEXT), ("customer", TEXT), ("is_present", YES)),
    key=("source", "key"),
)
CUSTOMER_ALIAS = Table(
    "customer_alias", (("alias", TEXT), ("customer", TEXT), ("at", INSTANT)), key=("alias",)
)
MERGED = Table("merged", (("alias", TEXT), ("customer", TEXT), ("at", INSTANT)))
CUSTOMER_ID = Table("customer_id", (("id", TEXT), ("born", NUMBER)), key=("id",))
FIELD_WRITE = Table(
    "field_write",
    (
        *(("number", NUMBER), ("customer", TEXT), ("field", TEXT), ("value", TEXT)),
        *(("key", TEXT), ("at", INSTANT)),
    ),
    key=("number",),
)
CONSENT_CHANGE = Table(
    "consent_change",
    (("customer", TEXT), ("topic", TEXT), ("channel", TEXT), ("granted", YES), ("at", INSTANT)),
)
# Grants of consent that are dated in the future.
CONSENT_AHEAD = Table("consent_ahead", CONSENT_CHANGE.columns)
# Where a change of consent came from, and which text was shown, by the id of its event.
CONSENT_ORIGIN = Table(
    "consent_origin",
    (("event", TEXT), ("origin", TEXT), ("shown", TEXT), ("at", INSTANT)),
    key=("event",),
)
# The canonical form of each written address that differs from it, and of each phone number (S29).
CANONICAL_ADDRESS = Table(
    "canonical_address",
    (("field", TEXT), ("written", TEXT), ("canonical", TEXT)),
    key=("field", "written"),
)
# Customers who are known only by an event, one row for each.
NEWCOMER = Table(
    "newcomer",
    (
        *(("key", TEXT), ("field", TEXT), ("value", TEXT)),
        *(("of_source", TEXT), ("of_key", TEXT), ("at", INSTANT)),
    ),
)
# The customer behind an id of a browser or an app, as `cij event` names customers; and the events of
# ids whose customer is not known yet.
ANONYMOUS_ID = Table(
    "anonymous_id", (("anonymous", TEXT), ("who", TEXT), ("at", INSTANT)), key=("anonymous",)
)
ANONYMOUS_EVENT = Table(
    "anonymous_event", (("anonymous", TEXT), ("at", INSTANT), ("content", TEXT))
)

# Hashes of people who were forgotten (S27).
FORGOTTEN = Table("forgotten", (("mark", TEXT), ("at", INSTANT)), key=("mark",))

# --- sources ----------------------------------------------------------------------------------

SOURCE_STATE = Table(
    "loaded_source",
    (
        *(("source", TEXT), ("fingerprint", TEXT), ("loaded_at", INSTANT)),
        *(("rows", NUMBER), ("bad", NUMBER)),
    ),
    key=("source",),
)
QUARANTINE = Table(
    "quarantine",
    (
        *(("source", TEXT), ("file", TEXT), ("line", NUMBER), ("reason", TEXT)),
        *(("content", TEXT), ("loaded_at", INSTANT)),
    ),
)

# Messages that a newer state had sent before this one was accepted in its place, with how many of each.
SENT_BEFORE = Table("sent_before", (("mark", TEXT), ("count", NUMBER)), key=("mark",))

# Each run of an export; `outcome` is done, failed, or writing until the file is in its place. `digest` is
# the SHA-256 of the file, and `data_at` when a source was loaded last.
EXPORT_RUN = Table(
    "export_run",
    (
        *(("number", NUMBER), ("export", TEXT), ("at", INSTANT), ("data_at", INSTANT)),
        *(("rows", NUMBER), ("digest", TEXT), ("file", TEXT), ("outcome", TEXT), ("reason", TEXT)),
    ),
    key=("number",),
)
# What the runs of an export of changes have written: a hash of each customer's values. Null where the
# customer is to be written as removed.
EXPORTED_ROW = Table(
    "exported_row",
    (("export", TEXT), ("customer", TEXT), ("digest", TEXT)),
    key=("export", "customer"),
)

TABLES = (
    *(
        PASSAGE,
        MOVE,
        VISIT,
        SERIES,
        NOTED_EVENT,
        NAME,
        CONVERSION,
        SPLIT_ARM,
        WINNER,
        EFFECT,
        OUTBOX,
        CONTENT,
    ),
    *(
        SUPPRESSION,
        SUPPRESSION_AHEAD,
        PROGRAM,
        APPLIED,
        JOURNEY_STATE,
        CONTROL,
        ASIDE,
        SEGMENT_MEMBER,
        SEGMENT_STATE,
        ENTRY_QUEUE,
        ENTRY_RIGHT,
    ),
    *(TURNED_AWAY, EVENT_AHEAD, COUNTER, META, ZONE, CUSTOMER_KEY, CUSTOMER_ALIAS, MERGED),
    *(CUSTOMER_ID, FIELD_WRITE, CONSENT_CHANGE, CONSENT_AHEAD, CANONICAL_ADDRESS, NEWCOMER),
    *(SOURCE_STATE, QUARANTINE, ABSENT, ABSENT_TIMER, SENT_BEFORE, FORGOTTEN),
    *(ANONYMOUS_ID, ANONYMOUS_EVENT, CONSENT_ORIGIN, EXPORT_RUN, EXPORTED_ROW),
)
# The tables about customers and sources. A refresh needs no others.
OF_DATA = (
    *(ABSENT, ASIDE, FORGOTTEN),
    *(ZONE, CUSTOMER_KEY, CUSTOMER_ALIAS, MERGED, CUSTOMER_ID, FIELD_WRITE, CONSENT_CHANGE),
    CONSENT_AHEAD,
    *(
        CANONICAL_ADDRESS,
        NEWCOMER,
        SOURCE_STATE,
        QUARANTINE,
        COUNTER,
        META,
        SUPPRESSION,
        SUPPRESSION_AHEAD,
        ANONYMOUS_ID,
        ANONYMOUS_EVENT,
        CONSENT_ORIGIN,
    ),
)


def ddl() -> Iterator[Statement]:
    """Yield the statements that make all missing tables and views, tables first."""
    for table in TABLES:
        yield table.ddl
    yield from moments.DDL
    for view in VIEWS:
        yield view.ddl
