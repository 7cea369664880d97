"""The tables `anonymous_id` and `anonymous_event`: who is behind an id of a browser or an app, and the
events of ids whose customer is not known yet."""

from cij.compiler.sql import query
from cij.compiler.sql.parameters import list_of, rows_of

_SAME = {"anonymous": "VARCHAR", "who": "VARCHAR"}

KNOWN = query(
    "SELECT a.anonymous, a.who FROM anonymous_id AS a "
    "WHERE a.anonymous IN (SELECT l.item FROM {list} AS l)",
    list=list_of("ids"),
)
FORGET_KNOWN = query(
    "DELETE FROM anonymous_id WHERE anonymous_id.anonymous IN (SELECT l.item FROM {list} AS l)",
    list=list_of("ids"),
)
NOTE = query(
    "INSERT INTO anonymous_id (anonymous, who, at) SELECT r.anonymous, r.who, $now FROM {rows} AS r",
    rows=rows_of("rows", _SAME),
)
HELD = query(
    "SELECT h.anonymous, h.content FROM anonymous_event AS h "
    "WHERE h.anonymous IN (SELECT l.item FROM {list} AS l) ORDER BY h.at, h.content",
    list=list_of("ids"),
)
RELEASE = query(
    "DELETE FROM anonymous_event "
    "WHERE anonymous_event.anonymous IN (SELECT l.item FROM {list} AS l)",
    list=list_of("ids"),
)
DROP_OLD = query("DELETE FROM anonymous_event WHERE anonymous_event.at < $since")
