"""The table `consent_origin`, and the ledger: the events by which customers changed a consent."""

from cij.compiler.sql import query
from cij.compiler.sql.parameters import list_of

KNOWN = query(
    "SELECT o.event FROM consent_origin AS o WHERE o.event IN (SELECT l.item FROM {list} AS l)",
    list=list_of("ids"),
)
_SIDE = (
    "SELECT e.at, e.arrived_at, {granted} AS granted, e.topic, e.channel, e.message_key, e.id "
    "FROM {table} AS e WHERE e.customer = $customer"
)
LEDGER = query(
    "SELECT r.at, r.arrived_at, r.granted, r.topic, r.channel, r.message_key, o.origin, o.shown "
    f"FROM ({_SIDE.format(granted='TRUE', table='event_subscribed')} UNION ALL "
    f"{_SIDE.format(granted='FALSE', table='event_unsubscribed')}) AS r "
    "LEFT JOIN consent_origin AS o ON o.event = r.id ORDER BY r.at, r.arrived_at, r.id"
)
CUSTOMER = query("SELECT * FROM customer AS c WHERE c.id = $customer")
CUSTOMERS = query("SELECT c.id FROM customer AS c ORDER BY c.id")
LATEST = query(
    "SELECT c.customer, c.topic, c.channel, MAX(c.at) FROM consent_change AS c "
    "GROUP BY c.customer, c.topic, c.channel"
)
LANGUAGE = query("SELECT c.language FROM customer AS c WHERE c.id = $customer")
