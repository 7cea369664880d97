"""A few people of very many: their rows are copied out, and their passages rewritten at the end.

    tick_ws_customer  the customers of all who can move        tick_ws_passage  their passages
    tick_move         where each of them goes

Finding a few costs one scan of all, so it is done once for all regions of a tick. An update in place of
rows that are spread over a table is slow to write, to commit and to fold into the file; rows that are
deleted and inserted at the end are not.
"""

from functools import lru_cache

from cij.compiler.sql.columns import column
from cij.compiler.sql.plan.plan_parts import RegionPlan, Steps
from cij.compiler.sql.row_locator import ID_HASH, id_hash
from cij.compiler.sql.template import Statement, fill, query

CUSTOMERS, PASSAGES = "tick_ws_customer", "tick_ws_passage"
# Queries for the customers of all who can move: those who are ready, those with an event in a round.
READY = "SELECT w.customer FROM tick_ready AS w"
IN_ROUND = "SELECT f.customer FROM tick_event AS f WHERE f.round = $round"


# --- copying out ------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def customers_by_id(customers: str) -> Statement:
    """Return the statement that copies the customers of a query, by a scan of all."""
    return query(
        "CREATE OR REPLACE TEMPORARY TABLE tick_ws_customer AS SELECT c.* FROM customer AS c "
        "WHERE c.id IN (SELECT w.customer FROM {of} AS w)",
        of=fill(customers),
    )


@lru_cache(maxsize=16)
def customers_by_hash(customers: str) -> Statement:
    """Return the statement that copies them by the hashes of their ids.

    Of the other columns only the blocks are read in which a hash was found. A customer without the right
    hash is not copied, so `missing` has to be asked.
    """
    return query(
        "CREATE OR REPLACE TEMPORARY TABLE tick_ws_customer AS "
        "SELECT c.* EXCLUDE ({name}) FROM customer AS c "
        "WHERE c.rowid IN (SELECT b.rowid FROM customer AS b "
        "WHERE {hash} IN (SELECT {hashes} FROM {of} AS w))",
        of=fill(customers),
        name=ID_HASH,
        hash=column("b", ID_HASH),
        hashes=id_hash(column("w", "customer")),
    )


# Rows may have moved since their ids were noted, so `missing` has to be asked.
CUSTOMERS_BY_ROW = query(
    "CREATE OR REPLACE TEMPORARY TABLE tick_ws_customer AS "
    "SELECT c.* EXCLUDE ({name}) FROM customer AS c "
    "WHERE c.rowid IN (SELECT r.customer_row FROM tick_ws_passage AS r)",
    name=ID_HASH,
)


@lru_cache(maxsize=16)
def missing(customers: str) -> Statement:
    """Return the query that tells whether a customer of a query was not copied."""
    return query(
        "SELECT EXISTS(SELECT 1 FROM {of} AS w "
        "WHERE NOT w.customer IN (SELECT c.id FROM tick_ws_customer AS c))",
        of=fill(customers),
    )


# Passages are copied with the row id by which they are deleted later.
PASSAGES_IN_ROUND = query(
    "CREATE OR REPLACE TEMPORARY TABLE tick_ws_passage AS SELECT p.*, p.rowid AS place "
    "FROM passage_row AS p "
    "WHERE p.customer IN (SELECT f.customer FROM tick_event AS f WHERE f.round = $round)"
)
# Where they are few of very many, the scan for row ids reads one column, and the copy few blocks.
PASSAGES_IN_ROUND_BY_ROW = query(
    "CREATE OR REPLACE TEMPORARY TABLE tick_ws_passage AS SELECT p.*, p.rowid AS place "
    "FROM passage_row AS p WHERE p.rowid IN (SELECT q.rowid FROM passage_row AS q "
    "WHERE q.customer IN (SELECT f.customer FROM tick_event AS f WHERE f.round = $round))"
)
PASSAGES_DUE = query(
    "CREATE OR REPLACE TEMPORARY TABLE tick_ws_passage AS SELECT p.*, p.rowid AS place "
    "FROM passage_row AS p WHERE p.wake_at <= $now LIMIT $most"
)
# Versions of which somebody is in the working set: other journeys have nothing to do.
VERSIONS = query("SELECT DISTINCT r.version FROM tick_ws_passage AS r")


def over_customers(statement: Statement) -> Statement:
    """Return the statement that reads the customers of the working set instead of all."""
    return statement.over({"customer c": CUSTOMERS})


def over_both(statement: Statement) -> Statement:
    """Return the statement that reads customers and passages of the working set instead of all."""
    return statement.over({"customer c": CUSTOMERS, "passage_row p": PASSAGES})


# --- moving -----------------------------------------------------------------------------------

_NOTE = """
INSERT INTO tick_move (passage, state, counts_from, event, wake_at, turn, outcome, cause)
SELECT m.passage, {state}, m.counts_from, m.event, m.wake_at, {turn}, {outcome}, {cause}
FROM tick_batch AS m
"""


def noted(region: RegionPlan) -> Steps | None:
    """Return the steps of a region with a note of where people go in the place of the move, so that one
    statement moves those of all regions; None where the region reads the passages it has moved."""
    if region.wake_again or region.keeps_since:
        return None
    note = Statement.later(lambda: _note(region))
    return tuple((name, note if name == "move" else s) for name, s in region.statements)


def _note(region: RegionPlan) -> Statement:
    destination, nothing = region.destination, fill("CAST(NULL AS BIGINT)")
    return query(
        _NOTE,
        state=destination.state,
        turn=destination.turn or column("m", "turn"),
        outcome=destination.outcome or nothing,
        cause=destination.cause or nothing.copy(),
    )


CLEAR_MOVES = query("DELETE FROM tick_move")

# Passages that are not in the working set, as they are before they move.
TAKE_OUT = query(
    """
CREATE OR REPLACE TEMPORARY TABLE tick_taken AS
SELECT p.*, p.rowid AS place FROM passage_row AS p
WHERE p.id IN (SELECT m.passage FROM tick_move AS m)
"""
)
DELETE = query(
    "DELETE FROM passage_row WHERE passage_row.rowid IN "
    "(SELECT l.place FROM tick_taken AS l JOIN tick_move AS m ON m.passage = l.id)"
)
INSERT = query(
    """
INSERT INTO passage_row
SELECT l.* EXCLUDE (place) REPLACE (
  m.state AS state, $now AS since, m.counts_from AS counts_from, m.event AS event,
  m.wake_at AS wake_at, m.turn AS turn,
  CASE WHEN m.outcome IS NULL THEN l.ended_at ELSE $now END AS ended_at,
  CASE WHEN m.outcome IS NULL THEN l.outcome ELSE m.outcome END AS outcome,
  CASE WHEN m.outcome IS NULL THEN l.cause ELSE m.cause END AS cause)
FROM tick_taken AS l JOIN tick_move AS m ON m.passage = l.id
"""
)
# How many more are due at each instant up to `$until` after those of `tick_move` have moved.
TIMERS = query(
    """
SELECT t.wake_at, SUM(t.people) AS people
FROM (
  SELECT r.wake_at, -1 AS people FROM tick_taken AS r JOIN tick_move AS m ON m.passage = r.id
  UNION ALL
  SELECT m.wake_at, 1 AS people FROM tick_move AS m
) AS t
WHERE t.wake_at <= $until
GROUP BY t.wake_at
HAVING SUM(t.people) <> 0
"""
)
_IN_WORKING_SET = {"tick_taken l": PASSAGES, "tick_taken r": PASSAGES}


def of(statement: Statement, *, is_copied: bool) -> Statement:
    """Return a statement over `tick_taken`, over the working set instead if passages are in it."""
    return statement.over(_IN_WORKING_SET) if is_copied else statement
