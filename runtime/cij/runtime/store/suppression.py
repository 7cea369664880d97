"""The tables `suppression` and `suppression_ahead`: addresses and customers who must get nothing (S16),
and those who must from a later instant on (S20)."""

from cij.compiler.sql import query

ROWS = query(
    "SELECT s.channel, s.address, s.customer, s.reason, s.at FROM ("
    "SELECT * FROM suppression UNION ALL SELECT * FROM suppression_ahead) AS s "
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
    "SELECT DISTINCT s.address FROM ("
    "SELECT * FROM suppression UNION ALL SELECT * FROM suppression_ahead) AS s "
    "WHERE NOT s.address IS NULL AND COALESCE(s.channel, '') <> 'push'"
)
RENAME = tuple(
    query("UPDATE {t} SET address = $form WHERE address = $address", t=table)
    for table in ("suppression", "suppression_ahead")
)
REMOVE = tuple(
    query(
        "DELETE FROM {t} WHERE (address = $address OR customer = $customer) "
        "AND ($channel IS NULL OR channel = $channel)",
        t=table,
    )
    for table in ("suppression", "suppression_ahead")
)
NEXT_DUE = query("SELECT MIN(s.at) FROM suppression_ahead AS s")
COME_DUE = (
    query(
        """
INSERT INTO suppression (channel, address, customer, reason, at)
SELECT a.channel, a.address, a.customer, MIN(a.reason), MIN(a.at)
FROM suppression_ahead AS a
WHERE a.at <= $now AND NOT EXISTS(
  SELECT 1 FROM suppression AS s
  WHERE COALESCE(s.channel, '') = COALESCE(a.channel, '')
    AND COALESCE(s.address, '') = COALESCE(a.address, '')
    AND COALESCE(s.customer, '') = COALESCE(a.customer, '')
)
GROUP BY a.channel, a.address, a.customer
"""
    ),
    query("DELETE FROM suppression_ahead WHERE suppression_ahead.at <= $now"),
)
