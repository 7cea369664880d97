"""How a few customers are found among millions: by where they were, or by a number made of the id.

DuckDB reads 10 million numbers in a quarter of the time that as many texts take. Two customers may
have the same mark, so whoever looks by it asks for the id as well. Another version of the engine may
make other marks; `MEND` sees to that.
"""

from sqlglot import exp

from cij.compiler.sql.columns import column
from cij.compiler.sql.template import Statement, fill, query

# No field has a name like this.
MARK = "#mark"


def mark_of(id: exp.Expr) -> exp.Expr:
    """Return the mark of the customer with an id."""
    return fill("CAST(HASH({id}) >> 1 AS BIGINT)", id=id)


MEND = query(
    "UPDATE customer SET {mark} = {right} WHERE {mark} IS DISTINCT FROM {right}",
    mark=exp.column(MARK, quoted=True),
    right=mark_of(fill("id")),
)


def copied_by_id(customers: str) -> Statement:
    """Return the statement that makes `tick_ws_customer`: the customers of a query, by a look at all."""
    return query(
        "CREATE OR REPLACE TEMPORARY TABLE tick_ws_customer AS SELECT c.* FROM customer AS c "
        "WHERE c.id IN (SELECT w.customer FROM {of} AS w)",
        of=fill(customers),
    )


def copied_by_mark(customers: str) -> Statement:
    """Return the statement that makes `tick_ws_customer` of the rows at which the marks are found.

    What it reads of other columns is only the blocks of those rows. It misses who has not the mark
    that he should have, so `missed` asks for that.
    """
    return query(
        "CREATE OR REPLACE TEMPORARY TABLE tick_ws_customer AS "
        "SELECT c.* EXCLUDE ({name}) FROM customer AS c "
        "WHERE c.rowid IN (SELECT b.rowid FROM customer AS b WHERE {mark} IN (SELECT {marks} FROM {of} AS w))",
        of=fill(customers),
        name=MARK,
        mark=column("b", MARK),
        marks=mark_of(column("w", "customer")),
    )


# Where the row of a customer was when he entered, or at the last refresh, is noted in his passage. It
# may have moved since, so `missed` asks.
COPIED_BY_ROW = query(
    "CREATE OR REPLACE TEMPORARY TABLE tick_ws_customer AS "
    "SELECT c.* EXCLUDE ({name}) FROM customer AS c "
    "WHERE c.rowid IN (SELECT r.customer_row FROM tick_ws_passage AS r)",
    name=MARK,
)
NOTE_ROWS = query(
    "UPDATE passage_row SET customer_row = c.rowid FROM customer AS c "
    "WHERE c.id = passage_row.customer AND passage_row.ended_at IS NULL "
    "AND passage_row.customer_row IS DISTINCT FROM c.rowid"
)


def missed(customers: str) -> Statement:
    """Return the query that tells whether somebody is missing in `tick_ws_customer`."""
    return query(
        "SELECT EXISTS(SELECT 1 FROM {of} AS w "
        "WHERE NOT w.customer IN (SELECT c.id FROM tick_ws_customer AS c))",
        of=fill(customers),
    )
