"""A few people of very many: taken out of the passages and put back where they have come to.

To find a few costs a look at all passages, so the regions of a tick note in `tick_move` where their
people go, and these statements move them all. An update in place of rows that lie all over a table
is slow to write, to commit and to fold into the file, column by column; rows at the end are not.
"""

from cij.compiler.sql.template import query

CLEAR_MOVED = query("DELETE FROM tick_move")

# Of all, and of those who were set aside with the place of their row.
LIFT = query(
    """
CREATE OR REPLACE TEMPORARY TABLE tick_taken AS
SELECT p.*, p.rowid AS place FROM passage_row AS p
WHERE p.id IN (SELECT m.passage FROM tick_move AS m)
"""
)
TAKE_OUT = query(
    "DELETE FROM passage_row WHERE passage_row.rowid IN "
    "(SELECT l.place FROM tick_taken AS l JOIN tick_move AS m ON m.passage = l.id)"
)
# Who is lifted because his time has come is found by that, without a look at who waits.
TAKE_OUT_DUE = query(
    "DELETE FROM passage_row WHERE passage_row.wake_at <= $now "
    "AND passage_row.id IN (SELECT m.passage FROM tick_move AS m)"
)
# Where all of them move nobody has to be told apart.
TAKE_OUT_ALL_DUE = query("DELETE FROM passage_row WHERE passage_row.wake_at <= $now")
PUT_BACK = query(
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
