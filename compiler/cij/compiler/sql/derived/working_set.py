"""The working set: the rows of few customers among many are copied, and their passages rewritten at
the end.

    tick_ws_customer  the customers who can move        tick_ws_passage  their passages
    tick_move         the new state of each passage

Finding few rows needs a scan of all, so it is done once for all regions of a tick. An update of
rows that are scattered over a table is slow to write, to commit and to checkpoint. Deleting the
rows and inserting them at the end is faster.
"""

from functools import lru_cache

from cij.compiler.sql.columns import column
from cij.compiler.sql.plan.plan_parts import RegionPlan, Steps
from cij.compiler.sql.row_locator import ID_HASH, id_hash
from cij.compiler.sql.template import Statement, fill, query

CUSTOMERS, PASSAGES = "tick_ws_customer", "tick_ws_passage"
# Queries for the customers who can move: those of ready passages, and those with an event in a
# round.
READY = "SELECT w.customer FROM tick_ready AS w"
IN_ROUND = "SELECT f.customer FROM tick_event AS f WHERE f.round = $round"


# --- copying out ------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def customers_by_id(customers: str) -> Statement:
    """Return the statement that copies the customers of a query, with a scan of all ids."""
    return query(
        "CREATE OR REPLACE TEMPORARY TABLE tick_ws_customer AS SELECT c.* FROM customer AS c "
        "WHERE c.id IN (SELECT w.customer FROM {of} AS w)",
        of=fill(customers),
    )


@lru_cache(maxsize=16)
def customers_by_hash(customers: str) -> Statement:
    """Return the statement that copies the customers of a query by the hashes of their ids.

    Other columns are read only in blocks with a matching hash. A customer with a wrong hash is not
    copied, so the caller has to run `missing`.
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


# Row ids may have changed since they were stored, so the caller has to run `missing`.
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
# For few rows among many: the scan for row ids reads one column, and the copy reads few blocks.
PASSAGES_IN_ROUND_BY_ROW = query(
    "CREATE OR REPLACE TEMPORARY TABLE tick_ws_passage AS SELECT p.*, p.rowid AS place "
    "FROM passage_row AS p WHERE p.rowid IN (SELECT q.rowid FROM passage_row AS q "
    "WHERE q.customer IN (SELECT f.customer FROM tick_event AS f WHERE f.round = $round))"
)
PASSAGES_DUE = query(
    "CREATE OR REPLACE TEMPORARY TABLE tick_ws_passage AS SELECT p.*, p.rowid AS place "
    "FROM passage_row AS p WHERE p.wake_at <= $now LIMIT $most"
)
# The versions in the working set. Other journeys have nothing to do.
VERSIONS = query("SELECT DISTINCT r.version FROM tick_ws_passage AS r")


def over_customers(statement: Statement) -> Statement:
    """Return the statement that reads the customers of the working set instead of all."""
    return statement.over({"customer c": CUSTOMERS})


def over_both(statement: Statement) -> Statement:
    """Return the statement that reads customers and passages of the working set instead of all."""
    return statement.over(
        {"customer c": CUSTOMERS, "passage_row p": PASSAGES, "passage_row q": PASSAGES}
    )


# --- moving -----------------------------------------------------------------------------------

_NOTE = """
INSERT INTO tick_move (passage, state, counts_from, event, acted_at, wake_at, turn, outcome, cause)
SELECT m.passage, {state}, m.counts_from, m.event, m.acted_at, m.wake_at, {turn}, {outcome}, {cause}
FROM tick_batch AS m
"""


def noted(region: RegionPlan) -> Steps | None:
    """Return the steps of a region that insert into `tick_move` instead of moving the passages.

    One statement then moves the passages of all regions. None where the region reads the passages
    that it has moved.
    """
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

# The old rows of passages that move and are not in the working set.
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
  m.state AS state, m.acted_at AS since, m.counts_from AS counts_from, m.event AS event,
  m.wake_at AS wake_at, m.turn AS turn,
  CASE WHEN m.outcome IS NULL THEN l.ended_at ELSE m.acted_at END AS ended_at,
  CASE WHEN m.outcome IS NULL THEN l.outcome ELSE m.outcome END AS outcome,
  CASE WHEN m.outcome IS NULL THEN l.cause ELSE m.cause END AS cause)
FROM tick_taken AS l JOIN tick_move AS m ON m.passage = l.id
"""
)
# The change of the number of timers at each instant up to `$until` by the moves of `tick_move`.
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
    """Return a statement over `tick_taken`; with `is_copied` over the passages of the
    working set."""
    return statement.over(_IN_WORKING_SET) if is_copied else statement
