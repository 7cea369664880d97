"""Identity: which cluster keeps which id, and which rows follow a merge or a split (S26).

The tables are those of `unify`.
"""

from cij.compiler.sql.making import make, rebuild
from cij.compiler.sql.template import Statement, query

# Two mappings of one source give two records with the same key. They are one member.
MEMBERS = make(
    "unify_member",
    "SELECT MIN(r.rec) AS rec, r.source, r.key, MIN(COALESCE(l.label, r.rec)) AS label "
    "FROM unify_record AS r LEFT JOIN unify_label AS l ON l.rec = r.rec GROUP BY r.source, r.key",
)

# Where an old cluster is split, the part with its first record keeps the id. Records that were
# missing in the last run rank behind those that were present.
HELD = make(
    "unify_held",
    """
SELECT k.customer AS id,
  ARG_MIN(m.label, m.rec + CASE WHEN k.is_present THEN 0 ELSE 1099511627776 END) AS label
FROM unify_member AS m
JOIN customer_key AS k ON k.source = m.source AND k.key = m.key
GROUP BY k.customer
""",
)

# Where old clusters merge, the oldest id survives.
CLUSTERS = make(
    "unify_cluster",
    """
SELECT h.label, ARG_MIN(h.id, c.born) AS id, CAST(NULL AS BIGINT) AS born
FROM unify_held AS h JOIN customer_id AS c ON c.id = h.id
GROUP BY h.label
""",
)

# An id is a hash of the first record, so that it is the same in every run. Where this id is in use
# already, as after a split, the number of the cluster becomes part of the hash.
NEW_CLUSTERS = query(
    """
INSERT INTO unify_cluster (label, id, born)
SELECT n.label,
  'c' || SUBSTRING(MD5(CONCAT(n.source, CHR(31), n.key,
    CASE WHEN c.id IS NULL THEN '' ELSE CONCAT(CHR(31), CAST(n.born AS VARCHAR)) END)), 1, 15),
  n.born
FROM (
  SELECT m.label, m.source, m.key,
    (SELECT COALESCE(MAX(i.born), 0) FROM customer_id AS i)
      + ROW_NUMBER() OVER (ORDER BY m.label) AS born
  FROM unify_member AS m
  WHERE m.rec = m.label
    AND NOT EXISTS (SELECT 1 FROM unify_cluster AS u WHERE u.label = m.label)
) AS n
LEFT JOIN customer_id AS c
  ON c.id = 'c' || SUBSTRING(MD5(CONCAT(n.source, CHR(31), n.key)), 1, 15)
"""
)
REMEMBER_IDS = query(
    "INSERT INTO customer_id (id, born) "
    "SELECT u.id, u.born FROM unify_cluster AS u WHERE NOT u.born IS NULL"
)

MERGED = query(
    "SELECT h.id, u.id FROM unify_held AS h JOIN unify_cluster AS u ON u.label = h.label "
    "WHERE h.id <> u.id ORDER BY h.id"
)
SPLIT = query(
    """
SELECT DISTINCT k.customer, u.id
FROM unify_member AS m
JOIN customer_key AS k ON k.source = m.source AND k.key = m.key
JOIN unify_held AS h ON h.id = k.customer
JOIN unify_cluster AS u ON u.label = m.label
WHERE h.label <> m.label
ORDER BY k.customer, u.id
"""
)

# Keys that are missing from their source are kept, so that they lead to the same customer if they
# return.
KEYS = rebuild(
    "customer_key",
    """
SELECT m.source, m.key, u.id AS customer, TRUE AS is_present
FROM unify_member AS m JOIN unify_cluster AS u ON u.label = m.label
UNION ALL
SELECT k.source, k.key, COALESCE(a.customer, k.customer), FALSE
FROM customer_key AS k
LEFT JOIN (
  SELECT h.id AS alias, u.id AS customer FROM unify_held AS h
  JOIN unify_cluster AS u ON u.label = h.label WHERE h.id <> u.id
) AS a ON a.alias = k.customer
WHERE NOT EXISTS (
  SELECT 1 FROM unify_member AS m WHERE m.source = k.source AND m.key = k.key
)
""",
)


def follow(table: str) -> Statement:
    """Return the statement that gives rows of merged customers to the id that survives.

    One step is enough, because an alias never points to an alias.
    """
    return query(
        "UPDATE {t} SET customer = x.customer FROM customer_alias AS x "
        "WHERE {t}.customer = x.alias",
        t=table,
    )


# The new customer after a split keeps every refusal of the old one, since it is unknown which of
# them refused.
COPY_REFUSALS = query(
    "INSERT INTO consent_change (customer, topic, channel, granted, at) "
    "SELECT $part, c.topic, c.channel, c.granted, c.at "
    "FROM consent_change AS c WHERE c.customer = $whole AND NOT c.granted"
)
