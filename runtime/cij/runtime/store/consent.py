"""The tables `consent_change` and `consent_ahead`: changes of consent, and grants with a future
date.

A grant that is dated in the future acts when its time has come, unless a later change replaces it
(S20).
"""

from cij.compiler.sql import query
from cij.compiler.sql.parameters import list_of, rows_of

_SAID = {"customer": "VARCHAR", "topic": "VARCHAR", "channel": "VARCHAR"}

NEXT_DUE = query("SELECT MIN(c.at) FROM consent_ahead AS c")
DUE = query("SELECT DISTINCT c.customer FROM consent_ahead AS c WHERE c.at <= $now")
COME_DUE = (
    query(
        "INSERT INTO consent_change (customer, topic, channel, granted, at) "
        "SELECT c.customer, c.topic, c.channel, c.granted, c.at FROM consent_ahead AS c "
        "WHERE c.at <= $now"
    ),
    query("DELETE FROM consent_ahead WHERE consent_ahead.at <= $now"),
)
TAKE_BACK = query(
    "DELETE FROM consent_ahead WHERE EXISTS(SELECT 1 FROM {rows} AS r "
    "WHERE r.customer = consent_ahead.customer AND r.topic = consent_ahead.topic "
    "AND r.channel = consent_ahead.channel)",
    rows=rows_of("rows", _SAID),
)
LATEST_GRANTS = query(
    "SELECT c.customer, c.topic, c.channel, MAX(c.at) FROM consent_change AS c "
    "WHERE c.granted AND c.customer IN (SELECT l.item FROM {list} AS l) "
    "GROUP BY c.customer, c.topic, c.channel",
    list=list_of("customers"),
)
