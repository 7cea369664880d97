"""The indexes that a store needs on an engine that reads single rows by them.

DuckDB needs none: it scans columns, and an index would slow its large inserts.
"""

from collections.abc import Sequence

Columns = tuple[str, ...]

# Of the tables that are the same for every program, by what statements look for. An index on a column
# that each move changes makes the move dearer, so there is one only for timers.
_INDEXES: dict[str, tuple[Columns, ...]] = {
    "passage_row": (("id",), ("customer",), ("wake_at",)),
    "move": (("passage",),),
    "visit": (("path", "n"),),
    "series": (("passage", "state"),),
    "noted_event": (("passage", "step"),),
    "name": (("id",),),
    "conversion": (("passage",), ("customer",)),
    "split_arm": (("passage",),),
    "effect": (("id",),),
    "outbox_row": (("effect", "passage", "turn"), ("passage",), ("customer",), ("outcome",)),
    "segment_member": (("segment", "customer"), ("customer",)),
    "customer": (("id",),),
    "customer_key": (("source", "key"), ("customer",)),
    "customer_alias": (("alias",),),
    "customer_id": (("id",),),
    "canonical_address": (("field", "written"),),
    "suppression": (("address",), ("customer",)),
    "moment": (("zone", "name"),),
    "anonymous_id": (("anonymous",),),
    "consent_change": (("customer",),),
    "consent_origin": (("event",),),
}
_OF_EVENT: tuple[Columns, ...] = (("seq",), ("customer", "at"))
# Tables that statements read in the order in which their rows were written.
_ORDERED = frozenset({"move"})

# Tables that a question fills for itself, with what depends only on the instant and the zones.
_COMPUTED = frozenset({"moment", "moment_rule", "zone"})


def indexes_of(table: str) -> Sequence[Columns]:
    """Return the columns of the indexes of a table, those that the table lacks included."""
    if table.startswith("event_"):
        return _OF_EVENT
    return _INDEXES.get(table, ())


def is_ordered(table: str) -> bool:
    """Tell whether rows of a table are read in the order of writing."""
    return table in _ORDERED


def is_computed(table: str) -> bool:
    """Tell whether a question fills a table for itself."""
    return table in _COMPUTED
