"""From the records of all sources to the unified customer (S26).

    unify_record(rec, place, source, key, f0, ..., c0, ..., t0, ...)   one row for each mapped row
    unify_edge(a, b)         a > b are records or clusters that a rule joins into one customer
    unify_hook(root, parent) which cluster joins which in this round
    unify_label(rec, label)  the smallest record of the cluster, for records that have an edge
    unify_member(rec, source, key, label)   one row for each (source, key)
    unify_held(id, label)    which cluster keeps an old id
    unify_cluster(label, id) the id of each cluster
    customer(id, #mark, zone, <fields>, <consents>)   the result, which all other statements read

f, c, t are the fields, consents and times of `_Shape`, by position. `rec` numbers the records in
the order of (mapping, key), and "first" means the smallest number. Null means unknown; empty text
is unknown too.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlglot import exp

from cij.compiler.channels import ADDRESS
from cij.compiler.program import (
    Latest,
    Mapping,
    Own,
    Profile,
    ProfileField,
    Program,
    Source,
)
from cij.compiler.sql import newcomers
from cij.compiler.sql.columns import (
    SQL_TYPES,
    cast,
    column,
    create,
    literal,
    named,
    number,
    select,
    stored_plainly,
)
from cij.compiler.sql.condition import Scope, storable, value
from cij.compiler.sql.load import table_of
from cij.compiler.sql.making import make
from cij.compiler.sql.parameters import list_of
from cij.compiler.sql.row_locator import ID_HASH, id_hash
from cij.compiler.sql.template import Statement, fill, query

_TEMPORARY = (
    "record",
    "edge",
    "hook",
    "label",
    "member",
    "held",
    "cluster",
    "customer",
    "split",
    "before",
)
CLEAR = tuple(query("DROP TABLE IF EXISTS {t}", t=f"unify_{name}") for name in _TEMPORARY)


@dataclass(frozen=True, slots=True)
class _Shape:
    """The columns of records by position: fields, mapped (topic, channel) pairs, times of
    `latest`."""

    fields: tuple[ProfileField, ...]
    consents: tuple[tuple[str, str], ...]
    times: tuple[ProfileField, ...]


def consent_columns(program: Program) -> list[tuple[str, str, bool]]:
    """Return (topic, channel, default) for each consent column of `customer`."""
    return [
        (topic.name, channel, topic.consent != "opt_in")
        for topic in program.topics
        for channel in topic.channels
    ]


def consent_name(topic: str, channel: str) -> str:
    """Return the name of a consent column of `customer`."""
    return f"consent.{topic}.{channel}"


def customer_columns(program: Program) -> list[tuple[str, str]]:
    """Return the columns of the table `customer`, in order: (name, SQL type)."""
    columns = [("id", "VARCHAR"), (ID_HASH, "BIGINT"), ("zone", "VARCHAR")]
    columns += [(f.name, SQL_TYPES[f.type.kind]) for f in program.profile.fields]
    return columns + [(consent_name(t, c), "BOOLEAN") for t, c, _ in consent_columns(program)]


# --- records ----------------------------------------------------------------------------------


def records(program: Program) -> Statement:
    """Return the statement that makes `unify_record`."""
    shape = _shape(program)
    parts = [_mapped(program, i, shape) for i in range(len(program.profile.mappings))]
    parts.append(newcomers.records(program, len(shape.consents), len(shape.times)))
    return make(
        "unify_record",
        fill(
            "SELECT ROW_NUMBER() OVER (ORDER BY u.place, u.key) AS rec, u.* FROM {all} AS u",
            all=_union_all(parts),
        ),
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
    source = next(s for s in program.sources if s.name == mapping.source)
    columns = [
        named(number(place), "place"),
        named(literal(mapping.source), "source"),
        named(fill("CAST({k} AS VARCHAR)", k=column("s", source.key)), "key"),
    ]
    columns += [named(_field(mapping, f, source), f"f{i}") for i, f in enumerate(shape.fields)]
    columns += [named(_consent(mapping, *c, source), f"c{i}") for i, c in enumerate(shape.consents)]
    columns += [named(_time(program, mapping, f), f"t{i}") for i, f in enumerate(shape.times)]
    return select(columns, "SELECT 1 FROM {t} AS s", t=table_of(mapping.source))


def _field(mapping: Mapping, field: ProfileField, source: Source) -> exp.Expr:
    node = mapping.fields.get(field.name)
    scope = Scope.source("s", source)
    tree = exp.null() if node is None else storable(node, field.type, scope)
    return cast(tree, field.type)


def _consent(mapping: Mapping, topic: str, channel: str, source: Source) -> exp.Expr:
    given = [c for c in mapping.consents if c.topic == topic and c.channel in (None, channel)]
    # A mapping of one channel is more specific than one of all channels, so it comes first.
    given.sort(key=lambda c: c.channel is None)
    tree = value(given[0].value, Scope.source("s", source)) if given else exp.null()
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


# --- the customer -----------------------------------------------------------------------------


def unified(program: Program) -> Statement:
    """Return the statement that makes `unify_customer`: merged fields and mapped consents.

    One refusal of any record is a refusal of the customer.
    """
    shape = _shape(program)
    columns = [fill("u.id AS id")]
    for i, field in enumerate(shape.fields):
        tree = fill(
            "ARG_MIN({f}, {order}) FILTER (WHERE NOT {f} IS NULL)",
            f=column("r", f"f{i}"),
            order=_order(program.profile, field, shape),
        )
        if isinstance(field.merge, Latest) and not field.merge.is_known:
            tree = _unless_latest_is_unknown(tree, field, i, program.profile, shape)
        columns.append(named(tree, f"f{i}"))
    for i in range(len(shape.consents)):
        columns.append(named(fill("BOOL_AND({c})", c=column("r", f"c{i}")), f"c{i}"))
    rows = select(
        columns,
        "SELECT 1 FROM unify_record AS r "
        "LEFT JOIN unify_label AS l ON l.rec = r.rec "
        "JOIN unify_cluster AS u ON u.label = COALESCE(l.label, r.rec) GROUP BY u.id",
    )
    return make("unify_customer", rows)


def _unless_latest_is_unknown(
    tree: exp.Expr, field: ProfileField, place: int, profile: Profile, shape: _Shape
) -> exp.Expr:
    """Return null where the latest record of all that could give the field does not know it (S5)."""
    giving = [n for n, m in enumerate(profile.mappings) if field.name in m.fields]
    could = fill(
        "NOT {time} IS NULL AND {place} IN {places}",
        time=column("r", f"t{shape.times.index(field)}"),
        place=column("r", "place"),
        places=exp.Tuple(expressions=[number(n) for n in giving]),
    )
    return fill(
        "CASE WHEN MIN({order}) FILTER (WHERE {could}) "
        "< MIN({order}) FILTER (WHERE NOT {f} IS NULL) THEN NULL ELSE {tree} END",
        order=_order(profile, field, shape),
        could=could,
        f=column("r", f"f{place}"),
        tree=tree,
    )


def _order(profile: Profile, field: ProfileField, shape: _Shape) -> exp.Expr:
    if isinstance(field.merge, Latest):
        # Later times give smaller numbers, and unknown times the largest. The record decides
        # between equal times, so that the result is the same in every run.
        text = "COALESCE(-CAST({t} AS HUGEINT), 4611686018427387904) * 1099511627776 + r.rec"
        return fill(text, t=column("r", f"t{shape.times.index(field)}"))
    if isinstance(field.merge, Own):
        return fill("r.rec")
    ranks = {name: i for i, name in enumerate(field.merge.sources)}
    places = [ranks.get(m.source, len(ranks)) for m in profile.mappings]
    if places == sorted(places):
        return fill("r.rec")
    cases = [
        exp.If(this=fill("r.place = {i}", i=number(i)), true=number(rank))
        for i, rank in enumerate(places)
    ]
    rank = exp.Case(ifs=cases, default=number(len(ranks)))
    return fill("{rank} * 1099511627776 + r.rec", rank=rank)


def zones_in_use(program: Program) -> Statement | None:
    """Return the query for the time zones of customers; None where they have no field
    `timezone`."""
    name = _zone_field(program)
    if name is None:
        return None
    return query(
        "SELECT DISTINCT {z} FROM unify_customer AS u WHERE NOT {z} IS NULL", z=column("u", name)
    )


def _zone_field(program: Program) -> str | None:
    names = [f.name for f in program.profile.fields]
    return f"f{names.index('timezone')}" if "timezone" in names else None


def customer_table(program: Program, texts: AbstractSet[str] = frozenset()) -> Statement:
    """Return the statement that makes an empty table `customer` unless it exists.

    Ids, addresses and the fields `texts` are stored uncompressed. Nearly all their values differ,
    and a lookup in a compressed block has to read the whole block.
    """
    plain = {"id", *ADDRESS.values(), *texts}
    return stored_plainly(create("customer", customer_columns(program)), *plain)


DROP_CUSTOMERS = query("DROP TABLE customer")
# The size of the sample that decides whether most values of a text differ.
_SAMPLE = 20_000


def various_texts(program: Program) -> tuple[list[str], Statement]:
    """Return the text fields of the profile, and the query that tells which have mostly different
    values.

    Shape: one row, with one boolean for each field in order, and one more that is always true.
    """
    fields = [(i, f.name) for i, f in enumerate(program.profile.fields) if f.type.kind == "text"]
    tells = [
        fill("COUNT(DISTINCT {c}) * 2 > COUNT({c})", c=column("u", f"f{i}")) for i, _ in fields
    ]
    sample = "SELECT 1 FROM (SELECT * FROM unify_customer LIMIT {n}) AS u"
    asked = select([*tells, exp.true()], sample, n=number(_SAMPLE))
    return [name for _, name in fields], Statement(asked)


def customers(program: Program) -> Statement:
    """Return the statement that fills `customer`.

    An unknown zone becomes the project's zone (S4). Consent is the latest change, else the value of
    the sources, where a refusal wins, else the default of the topic (S20).
    """
    shape = _shape(program)
    zone = _zone_field(program)
    resolved = fill("COALESCE(z.name, {p})", p=literal(program.timezone))
    columns = [fill("u.id AS id"), named(id_hash(fill("u.id")), ID_HASH), named(resolved, "zone")]
    for i, field in enumerate(shape.fields):
        is_own = isinstance(field.merge, Own)
        columns.append(named(column("w" if is_own else "u", f"f{i}"), field.name))
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
    if any(isinstance(f.merge, Own) for f in shape.fields):
        written = fill(
            "SELECT 1 FROM x LEFT JOIN {w} AS w ON w.customer = u.id", w=_written(shape.fields)
        )
        rows.append("joins", written.args["joins"][0].copy())
    names = [exp.to_identifier(name, quoted=True) for name, _ in customer_columns(program)]
    table = exp.Schema(this=exp.Table(this=exp.to_identifier("customer")), expressions=names)
    return Statement(exp.Insert(this=table, expression=rows))


def _written(fields: tuple[ProfileField, ...]) -> exp.Expr:
    """Return the query for the last values of the fields that journeys write.

    Shape: (customer, f…).
    """
    columns = [fill("w.customer AS customer")]
    for i, field in enumerate(fields):
        if isinstance(field.merge, Own):
            tree = fill(
                "ARG_MAX(w.value, w.number) FILTER (WHERE w.field = {name})",
                name=literal(field.name),
            )
            columns.append(named(cast(tree, field.type), f"f{i}"))
    return select(columns, "SELECT 1 FROM field_write AS w GROUP BY w.customer")


def consents_now(program: Program) -> exp.Expr:
    """Return the query for the consents of customers who changed one.

    Shape: (customer, <consents>).

    A consent without a change is null. Of two changes at one instant the refusal wins.
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
    """Return the statement that updates the consents of the customers `$customers`, a JSON list.

    None where there are no topics. An unsubscribe works at once (S20), so it does not wait for a
    refresh.
    """
    names = [consent_name(t, c) for t, c, _ in consent_columns(program)]
    if not names:
        return None
    tree = fill(
        "UPDATE customer SET id = 1 FROM {now} AS n "
        "WHERE customer.id = n.customer AND customer.id IN (SELECT l.item FROM {list} AS l)",
        now=consents_now(program),
        list=list_of("customers"),
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
