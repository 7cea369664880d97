"""The table `forgotten`: keyed hashes of people who were forgotten, so that nobody brings them back (S27).

    forgotten(mark, at)

A mark is a hash of the key of this store and of what identifies somebody: the key of a record, a
canonical address or an id. Without the key of the store nobody can tell whose mark it is.
"""

from cij.compiler.sql import query
from cij.compiler.sql.parameters import list_of

# The name under which `meta` has the key of the hashes.
KEY = "forget_key"

ADD = query(
    "INSERT INTO forgotten (mark, at) SELECT DISTINCT l.item, $now FROM {list} AS l "
    "WHERE NOT l.item IN (SELECT f.mark FROM forgotten AS f)",
    list=list_of("marks"),
)
REMOVE = query(
    "DELETE FROM forgotten WHERE forgotten.mark IN (SELECT l.item FROM {list} AS l)",
    list=list_of("marks"),
)
KNOWN = query(
    "SELECT f.mark FROM forgotten AS f WHERE f.mark IN (SELECT l.item FROM {list} AS l)",
    list=list_of("marks"),
)
ALL = query("SELECT f.mark, f.at FROM forgotten AS f ORDER BY f.at, f.mark")
EMPTY = query("DELETE FROM forgotten")
# Sources are read again where somebody may come back.
READ_AGAIN = query("DELETE FROM loaded_source WHERE NOT loaded_source.source LIKE '#%'")

# --- the suppression list -----------------------------------------------------------------------

# In the place of an address: the list still holds when the person is allowed to come back.
HIDDEN = "forgotten:"
GIVE_BACK = tuple(
    query("UPDATE {t} SET address = $address WHERE address = $hidden", t=table)
    for table in ("suppression", "suppression_ahead")
)
