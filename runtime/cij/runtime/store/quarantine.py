"""The rows of the table `quarantine` that are events: they came one at a time, and can be tried again."""

from cij.compiler.sql import query
from cij.compiler.sql.parameters import list_of

# Equal events with an equal reason are one row for people. Its id is made of both.
_ID = "SUBSTRING(MD5(q.reason || COALESCE(q.content, '')), 1, 10)"
_GROUPS = (
    f"SELECT {_ID} AS id, q.reason, q.content, COUNT(*) AS n, MAX(q.loaded_at) AS at "
    "FROM quarantine AS q WHERE q.source = $source GROUP BY q.reason, q.content"
)
COUNT = query("SELECT COUNT(*) FROM quarantine AS q WHERE q.source = $source")
GROUPS = query(
    f"SELECT g.id, g.reason, g.content, g.n, g.at FROM ({_GROUPS}) AS g "
    "ORDER BY g.at DESC, g.id LIMIT $limit"
)
ONE = query(f"SELECT g.id, g.reason, g.content, g.n, g.at FROM ({_GROUPS}) AS g WHERE g.id = $id")
ALL_IDS = query(f"SELECT g.id FROM ({_GROUPS}) AS g ORDER BY g.at, g.id")
CONTENTS = query(
    f"SELECT q.content FROM quarantine AS q WHERE q.source = $source "
    f"AND {_ID} IN (SELECT l.item FROM {{ids}} AS l) ORDER BY q.loaded_at, q.content",
    ids=list_of("ids"),
)
DROP = query(
    "DELETE FROM quarantine WHERE quarantine.source = $source AND "
    f"{_ID.replace('q.', 'quarantine.')} IN (SELECT l.item FROM {{ids}} AS l)",
    ids=list_of("ids"),
)
