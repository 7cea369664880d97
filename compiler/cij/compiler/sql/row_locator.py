"""How to find the rows of a few customers among millions: by row id, by a hash of their id, by id.

DuckDB scans integers four times faster than texts, and it reads single rows cheaply only by their
row id. Two ids may have the same hash, so a lookup by hash compares the id too. Another version of
the engine may have another hash function; `SET_ID_HASHES` then corrects the stored hashes.

Both columns are hints. A wrong hint costs time but loses no customer, because `missing` checks the
result.
"""

from sqlglot import exp

from cij.compiler.sql.template import fill, query

# The column of `customer` that has the hash. No field has a name like this.
ID_HASH = "#mark"
# The columns that are hints. Their values are of one engine and of one store.
HINTS = frozenset({ID_HASH, "customer_row"})


def id_hash(id: exp.Expr) -> exp.Expr:
    """Return the hash of the id of a customer: 63 bits, never negative."""
    return fill("CAST(HASH({id}) >> 1 AS BIGINT)", id=id)


SET_ID_HASHES = query(
    "UPDATE customer SET {hash} = {right} WHERE {hash} IS DISTINCT FROM {right}",
    hash=exp.column(ID_HASH, quoted=True),
    right=id_hash(fill("id")),
)
# A refresh rewrites the customers and so changes their row ids. Passages store the new ones after
# it.
NOTE_ROWS = query(
    "UPDATE passage_row SET customer_row = c.rowid FROM customer AS c "
    "WHERE c.id = passage_row.customer AND passage_row.ended_at IS NULL "
    "AND passage_row.customer_row IS DISTINCT FROM c.rowid"
)
