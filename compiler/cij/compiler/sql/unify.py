"""From the records of all sources to the unified customer (S26).

    unify_record(rec, place, source, key, f0, ..., c0, ..., t0, ...)   one row a mapped row
    unify_edge(a, b)         a > b are records that a rule, so far, holds to be one customer
    unify_hook(root, parent) which cluster joins which in this round
    unify_label(rec, label)  the smallest record of the cluster, for records that have an edge
    unify_member(rec, source, key, label)   one row a (source, key)
    unify_held(id, label)    which cluster goes on with an old id
    unify_cluster(label, id) the id of each cluster
    customer(id, zone, <fields>, <consents>)   what all the rest reads

f, c, t are the fields, consents and times of `_Shape`, by position. `rec` counts the records in
the order of (mapping, key): "first" means the smallest. Null means unknown; empty text is unknown.
"""

from dataclasses import dataclass

from sqlglot import exp

from cij.compiler.program import Latest, Mapping, Profile, ProfileField, Program
from cij.compiler.sql.columns import (
    SQL_TYPES,
    all_of,
    cast,
    column,
    create,
    literal,
    named,
    number,
    select,
)
from cij.compiler.sql.condition import Scope, value
from cij.compiler.sql.load import table_of
from cij.compiler.sql.template import Statement, fill, query

DDL = (
    create(
        "customer_key",
        [
            ("source", "VARCHAR"),
            ("key", "VARCHAR"),
            ("customer", "VARCHAR"),
            ("is_present", "BOOLEAN"),
        ],
    ),
    create("customer_alias", [("alias", "VARCHAR"), ("customer", "VARCHAR"), ("at", "TIMESTAMP")]),
    create("merged", [("alias", "VARCHAR"), ("customer", "VARCHAR"), ("at", "TIMESTAMP")]),
    create("customer_id", [("id", "VARCHAR"), ("born", "BIGINT")]),
    create(
        "consent_change",
        [
            ("customer", "VARCHAR"),
            ("topic", "VARCHAR"),
            ("channel", "VARCHAR"),
            ("granted", "BOOLEAN"),
            ("at", "TIMESTAMP"),
        ],
    ),
)

_TEMPORARY = ("record", "edge", "hook", "label", "member", "held", "cluster", "customer", "split")
CLEAR = tuple(query("DROP TABLE IF EXISTS {t}", t=f"unify_{name}") for name in _TEMPORARY)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What records have, by position: fields, (topic, channel) pairs that are mapped, times."""

    fields: tuple[ProfileField, ...]
    consents: tuple[tuple[str, str], ...]
    times: tuple[ProfileField, ...]


def consent_columns(program: Program) -> list[tuple[str, str, bool]]:
    """Return (topic, channel, default) for every consent column of `customer`."""
    return [
        (topic.name, channel, topic.consent != "opt_in")
        for topic in program.topics
        for channel in topic.channels
    ]


def consent_name(topic: str, channel: str) -> str:
    """Return the name of a consent column of `customer`."""
    return f"consent.{topic}.{channel}"


def customer_columns(program: Program) -> list[tuple[str, str]]:
    """Return (name, SQL type) of the table `customer`, in order."""
    columns = [("id", "VARCHAR"), ("zone", "VARCHAR")]
    columns += [(f.name, SQL_TYPES[f.type.kind]) for f in program.profile.fields]
    return columns + [(consent_name(t, c), "BOOLEAN") for t, c, _ in consent_columns(program)]


# --- records ----------------------------------------------------------------------------------


def records(program: Program) -> Statement:
    """Return the statement that makes `unify_record`."""
    shape = _shape(program)
    parts = [_mapped(program, i, shape) for i in range(len(program.profile.mappings))]
    return query(
        "CREATE OR REPLACE TEMP TABLE unify_record AS "
        "SELECT ROW_NUMBER() OVER (ORDER BY u.place, u.key) AS rec, u.* FROM {all} AS u",
        all=_union_all(parts),
    )


def _union_all(parts: list[exp.Expr]) -> exp.Expr:
    if len(parts) == 1:
        return parts[0]
    return exp.union(*parts, distinct=False)


def _shape(program: Program) -> _Shape:
    profile = program.profile
    mapped = {(c.topic, c.channel) for m in profile.mappings for c in m.consents}
    consents = [
        (t, c) for t, c, _ in consent_columns(program) if (t, c) in mapped or (t, None) in mapped
    ]
    latest = tuple(f for f in profile.fields if isinstance(f.merge, Latest))
    return _Shape(profile.fields, tuple(consents), latest)


def _mapped(program: Program, place: int, shape: _Shape) -> exp.Expr:
    mapping = program.profile.mappings[place]
    key = next(s.key for s in program.sources if s.name == mapping.source)
    columns = [
        named(number(place), "place"),
        named(literal(mapping.source), "source"),
        named(fill("CAST({k} AS VARCHAR)", k=column("s", key)), "key"),
    ]
    columns += [named(_field(mapping, f), f"f{i}") for i, f in enumerate(shape.fields)]
    columns += [named(_consent(mapping, *c), f"c{i}") for i, c in enumerate(shape.consents)]
    columns += [named(_time(program, mapping, f), f"t{i}") for i, f in enumerate(shape.times)]
    return select(columns, "SELECT 1 FROM {t} AS s", t=table_of(mapping.source))


def _field(mapping: Mapping, field: ProfileField) -> exp.Expr:
    node = mapping.fields.get(field.name)
    tree = exp.null() if node is None else value(node, Scope.source("s"))
    return cast(tree, field.type)


def _consent(mapping: Mapping, topic: str, channel: str) -> exp.Expr:
    said = [c for c in mapping.consents if c.topic == topic and c.channel in (None, channel)]
    # What is said about one channel goes before what is said about all.
    said.sort(key=lambda c: c.channel is None)
    tree = value(said[0].value, Scope.source("s")) if said else exp.null()
    return fill("CAST({a} AS BOOLEAN)", a=tree)


def _time(program: Program, mapping: Mapping, field: ProfileField) -> exp.Expr:
    assert isinstance(field.merge, Latest)
    name = field.merge.columns.get(mapping.source)
    if name is None:
        return fill("CAST(NULL AS BIGINT)")
    source = next(s for s in program.sources if s.name == mapping.source)
    kind = next(c.type.kind for c in source.columns if c.name == name)
    text = "EPOCH_US(CAST({a} AS TIMESTAMP))" if kind in ("date", "datetime") else "{a}"
    return fill(f"CAST({text} AS BIGINT)", a=column("s", name))


# --- clusters ---------------------------------------------------------------------------------

NO_EDGES = query("CREATE OR REPLACE TEMP TABLE unify_edge (a BIGINT, b BIGINT)")

START_LABELS = query(
    "CREATE OR REPLACE TEMP TABLE unify_label AS SELECT n.rec, n.rec AS label "
    "FROM (SELECT e.a AS rec FROM unify_edge AS e UNION SELECT e.b FROM unify_edge AS e) AS n"
)
EDGES_LEFT = query("SELECT COUNT(*) FROM unify_edge")

# Every cluster with a smaller neighbour joins the smallest one; then chains become short.
HOOK = query(
    "CREATE OR REPLACE TEMP TABLE unify_hook AS "
    "SELECT e.a AS root, MIN(e.b) AS parent FROM unify_edge AS e GROUP BY e.a"
)
LONG_CHAINS = query(
    "SELECT COUNT(*) FROM unify_hook AS h JOIN unify_hook AS p ON p.root = h.parent"
)
JUMP = query(
    "CREATE OR REPLACE TEMP TABLE unify_hook AS "
    "SELECT h.root, COALESCE(p.parent, h.parent) AS parent "
    "FROM unify_hook AS h LEFT JOIN unify_hook AS p ON p.root = h.parent"
)
RELABEL = query(
    "CREATE OR REPLACE TEMP TABLE unify_label AS "
    "SELECT l.rec, COALESCE(h.parent, l.label) AS label "
    "FROM unify_label AS l LEFT JOIN unify_hook AS h ON h.root = l.label"
)
CONTRACT = query(
    """
CREATE OR REPLACE TEMP TABLE unify_edge AS
SELECT DISTINCT GREATEST(x.a, x.b) AS a, LEAST(x.a, x.b) AS b
FROM (
  SELECT COALESCE(h.parent, e.a) AS a, COALESCE(g.parent, e.b) AS b
  FROM unify_edge AS e
  LEFT JOIN unify_hook AS h ON h.root = e.a
  LEFT JOIN unify_hook AS g ON g.root = e.b
) AS x
WHERE x.a <> x.b
"""
)


def edges(profile: Profile) -> list[Statement]:
    """Return the statements that add the edges of each rule: to the first record that agrees."""
    position = {f.name: f"f{i}" for i, f in enumerate(profile.fields)}
    rules = [tuple(position[name] for name in match.fields) for match in profile.matches]
    names = [m.source for m in profile.mappings]
    if len(set(names)) < len(names):
        # Two mappings of one source give two records of one row.
        rules.append(("source", "key"))
    return [_edges_of(rule) for rule in rules]


def _edges_of(rule: tuple[str, ...]) -> Statement:
    keys = [named(column("r", name), f"k{i}") for i, name in enumerate(rule)]
    groups = select(
        [*keys, fill("MIN(r.rec) AS hub")],
        "SELECT 1 FROM unify_record AS r WHERE {known} HAVING COUNT(*) > 1",
        known=all_of([fill("NOT {a} IS NULL", a=column("r", name)) for name in rule]),
    )
    groups.set("group", exp.Group(expressions=[column("r", name) for name in rule]))
    same = [
        fill("{a} = {b}", a=column("r", name), b=column("g", f"k{i}"))
        for i, name in enumerate(rule)
    ]
    return query(
        "INSERT INTO unify_edge (a, b) SELECT r.rec, g.hub FROM unify_record AS r "
        "JOIN {groups} AS g ON {same} WHERE r.rec > g.hub",
        groups=groups,
        same=all_of(same),
    )


# --- identity ---------------------------------------------------------------------------------

MEMBERS = query(
    "CREATE OR REPLACE TEMP TABLE unify_member AS "
    "SELECT MIN(r.rec) AS rec, r.source, r.key, MIN(COALESCE(l.label, r.rec)) AS label "
    "FROM unify_record AS r LEFT JOIN unify_label AS l ON l.rec = r.rec GROUP BY r.source, r.key"
)

# When an old cluster fell apart, the part with its first record goes on; a record that was away
# at the last run does not take the id from those that were there.
HELD = query(
    """
CREATE OR REPLACE TEMP TABLE unify_held AS
SELECT k.customer AS id,
  ARG_MIN(m.label, m.rec + CASE WHEN k.is_present THEN 0 ELSE 1099511627776 END) AS label
FROM unify_member AS m
JOIN customer_key AS k ON k.source = m.source AND k.key = m.key
GROUP BY k.customer
"""
)

CLUSTERS = query(
    """
CREATE OR REPLACE TEMP TABLE unify_cluster AS
SELECT h.label, ARG_MIN(h.id, c.born) AS id, CAST(NULL AS BIGINT) AS born
FROM unify_held AS h JOIN customer_id AS c ON c.id = h.id
GROUP BY h.label
"""
)

# An id is made of the first record. If it was given before, as when a cluster fell apart, its
# number is made part of it.
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

# Keys that vanished from their source are kept: if they come back they are the same person.
KEYS = query(
    """
CREATE OR REPLACE TABLE customer_key AS
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
"""
)


def follow(table: str) -> Statement:
    """Return the statement that gives rows of merged customers to the id that survives.

    It follows all aliases, which never point to an alias.
    """
    return query(
        "UPDATE {t} SET customer = x.customer FROM customer_alias AS x "
        "WHERE {t}.customer = x.alias",
        t=table,
    )


# A part that split off keeps every refusal of the whole.
COPY_REFUSALS = query(
    "INSERT INTO consent_change (customer, topic, channel, granted, at) "
    "SELECT $part, c.topic, c.channel, c.granted, c.at "
    "FROM consent_change AS c WHERE c.customer = $whole AND NOT c.granted"
)


# --- the customer -----------------------------------------------------------------------------


def unified(program: Program) -> Statement:
    """Return the statement that makes `unify_customer`: merged fields and mapped consents."""
    shape = _shape(program)
    columns = [fill("u.id AS id")]
    for i, field in enumerate(shape.fields):
        tree = fill(
            "ARG_MIN({f}, {order}) FILTER (WHERE NOT {f} IS NULL)",
            f=column("r", f"f{i}"),
            order=_order(program.profile, field, shape),
        )
        columns.append(named(tree, f"f{i}"))
    for i in range(len(shape.consents)):
        columns.append(named(fill("BOOL_AND({c})", c=column("r", f"c{i}")), f"c{i}"))
    rows = select(
        columns,
        "SELECT 1 FROM unify_record AS r "
        "LEFT JOIN unify_label AS l ON l.rec = r.rec "
        "JOIN unify_cluster AS u ON u.label = COALESCE(l.label, r.rec) GROUP BY u.id",
    )
    return query("CREATE OR REPLACE TEMP TABLE unify_customer AS {rows}", rows=rows)


def _order(profile: Profile, field: ProfileField, shape: _Shape) -> exp.Expr:
    if isinstance(field.merge, Latest):
        # Later times are smaller, unknown ones come after all others, then by record.
        text = "COALESCE(-CAST({t} AS HUGEINT), 4611686018427387904) * 1099511627776 + r.rec"
        return fill(text, t=column("r", f"t{shape.times.index(field)}"))
    ranks = {name: i for i, name in enumerate(field.merge.sources)}
    places = [ranks.get(m.source, len(ranks)) for m in profile.mappings]
    if places == sorted(places):
        return fill("r.rec")
    cases = [
        exp.If(this=fill("r.place = {i}", i=number(i)), true=number(rank))
        for i, rank in enumerate(places)
    ]
    return fill("{rank} * 1099511627776 + r.rec", rank=exp.Case(ifs=cases))


def zones_in_use(program: Program) -> Statement | None:
    """Return the query for the time zones that customers name, None when there is no such field."""
    name = _zone_field(program)
    if name is None:
        return None
    return query(
        "SELECT DISTINCT {z} FROM unify_customer AS u WHERE NOT {z} IS NULL", z=column("u", name)
    )


def _zone_field(program: Program) -> str | None:
    names = [f.name for f in program.profile.fields]
    return f"f{names.index('timezone')}" if "timezone" in names else None


def customers(program: Program) -> Statement:
    """Return the statement that makes `customer`. A zone that is not known is the project's (S4).

    Consent is the latest change, else what the sources say, a refusal first, else the default.
    """
    shape = _shape(program)
    zone = _zone_field(program)
    resolved = fill("COALESCE(z.name, {p})", p=literal(program.timezone))
    columns = [fill("u.id AS id"), named(resolved, "zone")]
    columns += [named(column("u", f"f{i}"), f.name) for i, f in enumerate(shape.fields)]
    for topic, channel, default in consent_columns(program):
        parts = [column("n", consent_name(topic, channel))]
        if (topic, channel) in shape.consents:
            parts.append(column("u", f"c{shape.consents.index((topic, channel))}"))
        parts.append(exp.true() if default else exp.false())
        tree = exp.Coalesce(this=parts[0], expressions=parts[1:])
        columns.append(named(tree, consent_name(topic, channel)))
    rows = select(
        columns,
        "SELECT 1 FROM unify_customer AS u "
        "LEFT JOIN (SELECT DISTINCT zone.name FROM zone) AS z ON z.name = {zone} "
        "LEFT JOIN {now} AS n ON n.customer = u.id",
        zone=column("u", zone) if zone else exp.null(),
        now=consents_now(program),
    )
    return query("CREATE OR REPLACE TABLE customer AS {rows}", rows=rows)


def consents_now(program: Program) -> exp.Expr:
    """Return the query for (customer, <consents>) from the changes; null where none was made.

    Of two changes at one instant the refusal wins.
    """
    columns = [fill("c.customer AS customer")]
    for topic, channel, _ in consent_columns(program):
        here = fill("c.topic = {t} AND c.channel = {c}", t=literal(topic), c=literal(channel))
        tree = fill(
            "CASE WHEN MAX(CASE WHEN {here} THEN c.at END) IS NULL THEN NULL "
            "ELSE COALESCE(MAX(CASE WHEN {here} AND c.granted THEN c.at END) "
            "> MAX(CASE WHEN {here} AND NOT c.granted THEN c.at END), "
            "MAX(CASE WHEN {here} AND NOT c.granted THEN c.at END) IS NULL) END",
            here=exp.Paren(this=here),
        )
        columns.append(named(tree, consent_name(topic, channel)))
    return select(columns, "SELECT 1 FROM consent_change AS c GROUP BY c.customer")


def update_consents(program: Program) -> Statement | None:
    """Return the statement that brings the consents of customers `$customers` up to date."""
    names = [consent_name(t, c) for t, c, _ in consent_columns(program)]
    if not names:
        return None
    tree = fill(
        "UPDATE customer SET id = 1 FROM {now} AS n "
        "WHERE customer.id = n.customer AND customer.id IN (SELECT UNNEST($customers))",
        now=consents_now(program),
    )
    changes = [
        exp.EQ(
            this=exp.column(exp.to_identifier(name, quoted=True)),
            expression=fill("COALESCE({a}, {b})", a=column("n", name), b=column("customer", name)),
        )
        for name in names
    ]
    tree.set("expressions", changes)
    return Statement(tree)


COUNT = query("SELECT COUNT(*) FROM customer")
