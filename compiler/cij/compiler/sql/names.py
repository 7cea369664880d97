"""Names as numbers: passages say by number in which state of which journey they are.

    passage_row  journey, version, state, outcome and cause by their numbers
    move         why by its number
    name         which number stands for which text
    passage      with texts, to be read (a view)

A text that is the same in all rows takes an insert seven times as long as a number. In statements
`p` is always a row with numbers.
"""

import hashlib
from functools import lru_cache

from sqlglot import exp

from cij.compiler.sql.columns import column
from cij.compiler.sql.template import fill, query

# How passages end that no journey ends, and where one is in the instant of its entry.
GONE, MERGED, STOPPED, ENTERING = "gone", "merged", "stopped", ":entering"
# Why somebody is woken, where it is not by an event or a goal.
ENTERED, TIMER, CONDITION, CAME_BEFORE = "entered", "timer", "condition", "came before"
JOINED = "joined"
GIVEN = (GONE, MERGED, STOPPED, ENTERING, ENTERED, TIMER, CONDITION, CAME_BEFORE, JOINED)

# So many fit into a BIGINT.
_DIGITS = 15

DDL = query("CREATE TABLE IF NOT EXISTS name (id BIGINT, text VARCHAR)")
KNOWN = query("SELECT n.id FROM name AS n")


@lru_cache(maxsize=65_536)
def number_of(text: str) -> int:
    """Return the number of a name, the same wherever and whenever it is made."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:_DIGITS], 16)


def numbered(text: str | None) -> exp.Expr:
    """Return the number of a name as a constant; null for no name."""
    if text is None:
        return exp.null()
    number = exp.Literal.number(number_of(text))
    # For those who read the plan.
    number.add_comments([text])
    return number


def said_of(row: str, *columns: str) -> dict[str, exp.Expr]:
    """Return the names that columns of a row stand for, as holes."""
    return {name: said(column(row, name)) for name in columns}


def said(number: exp.Expr) -> exp.Expr:
    """Return the name that a number stands for."""
    return fill("(SELECT l.text FROM name AS l WHERE l.id = {n})", n=number)


# --- stores in which passages are one table -----------------------------------------------------

WIDE = query(
    "SELECT t.table_name FROM information_schema.tables AS t "
    "WHERE t.table_name = 'passage' AND t.table_type = 'BASE TABLE'"
)
# Of stores in which it shows passages that have ended as they are stored.
DROP_VIEW = query("DROP VIEW IF EXISTS passage")
SET_ASIDE = (
    query("DROP VIEW history"),
    query("ALTER TABLE passage RENAME TO passage_wide"),
    query("ALTER TABLE move RENAME TO move_wide"),
    # Of stores that are older than this column.
    query("ALTER TABLE passage_wide ADD COLUMN IF NOT EXISTS customer_row BIGINT"),
)
WIDE_NAMES = query(
    """
SELECT DISTINCT u.name FROM (
  SELECT UNNEST([p.journey, p.version, p.state, p.outcome, p.cause]) AS name FROM passage_wide AS p
  UNION ALL SELECT m.why FROM move_wide AS m
) AS u WHERE NOT u.name IS NULL
"""
)
# In the order in which they were written: blocks of old ones are passed over.
NARROW = query(
    """
INSERT INTO passage_row (id, journey, version, customer, entry_key, trigger, turn, is_held_out,
  entered_at, entered_from, state, since, counts_from, event, wake_at, ended_at, outcome, cause,
  at_entry, customer_row)
SELECT p.id, j.id, v.id, p.customer, p.entry_key, p.trigger, p.turn, p.is_held_out,
  p.entered_at, p.entered_from, s.id, p.since, p.counts_from, p.event, p.wake_at, p.ended_at, o.id,
  c.id, p.at_entry, p.customer_row
FROM passage_wide AS p
LEFT JOIN name AS j ON j.text = p.journey
LEFT JOIN name AS v ON v.text = p.version
LEFT JOIN name AS s ON s.text = p.state
LEFT JOIN name AS o ON o.text = p.outcome
LEFT JOIN name AS c ON c.text = p.cause
ORDER BY p.rowid
"""
)
NARROW_MOVES = query(
    """
INSERT INTO move (passage, at, path, why, event)
SELECT m.passage, m.at, m.path, l.id, m.event
FROM move_wide AS m LEFT JOIN name AS l ON l.text = m.why
ORDER BY m.rowid
"""
)
DROP_WIDE = (query("DROP TABLE passage_wide"), query("DROP TABLE move_wide"))
