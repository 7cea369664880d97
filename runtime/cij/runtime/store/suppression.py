"""The table `suppression`: addresses and customers who must get nothing (S16)."""

from cij.compiler.sql import query

ROWS = query(
    "SELECT s.channel, s.address, s.customer, s.reason, s.at FROM suppression AS s "
    "ORDER BY s.at ASC, s.address ASC, s.customer ASC, s.channel ASC"
)
KNOWN = query(
    "SELECT COUNT(*) FROM suppression AS s WHERE (s.channel IS NULL OR s.channel = $channel) "
    "AND (s.address = $address OR s.customer = $customer)"
)
ADD = query(
    "INSERT INTO suppression (channel, address, customer, reason, at) "
    "VALUES ($channel, $address, $customer, $reason, $now)"
)
# Of entries that name an address; tokens of devices are no addresses that people type.
ADDRESSES = query(
    "SELECT DISTINCT s.address FROM suppression AS s "
    "WHERE NOT s.address IS NULL AND COALESCE(s.channel, '') <> 'push'"
)
RENAME = query("UPDATE suppression SET address = $form WHERE address = $address")
REMOVE = query(
    "DELETE FROM suppression WHERE (address = $address OR customer = $customer) "
    "AND ($channel IS NULL OR channel = $channel)"
)
