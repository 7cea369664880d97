"""The canonical forms of addresses in the store, and the comparisons that use them (S29).

    canonical_address(field, written, canonical)

The table has a row for each written address that differs from its canonical form, and for each
phone number. `cij.runtime.canonical_addresses` fills it when data is loaded, so that no comparison
computes a form. An address without a row is compared as it is written.
"""

from functools import cache

from sqlglot import exp

from cij.compiler.channels import ADDRESS, TYPED_ADDRESSES
from cij.compiler.program import Own, Profile, Program
from cij.compiler.sql.columns import column, literal, named, select
from cij.compiler.sql.parameters import list_of
from cij.compiler.sql.template import Statement, fill, query

FORGET = query("DELETE FROM canonical_address")
KNOWN = query(
    "SELECT a.written FROM canonical_address AS a "
    "WHERE a.field = $field AND a.written IN (SELECT l.item FROM {list} AS l)",
    list=list_of("written"),
)

# Printable ASCII in lower case is its own canonical form, so no row is needed.
_NOT_PLAIN = "({c} <> LOWER({c}) OR NOT REGEXP_MATCHES({c}, '^[!-~]+$'))"


def fields_of(program: Program) -> tuple[str, ...]:
    """Return the fields of the customer with addresses that people type."""
    texts = {f.name for f in program.profile.fields if f.type.kind == "text"}
    return tuple(name for name in TYPED_ADDRESSES if name in texts)


def own_fields(program: Program) -> tuple[str, ...]:
    """Return the fields with addresses that journeys write."""
    own = {f.name for f in program.profile.fields if isinstance(f.merge, Own)}
    return tuple(name for name in fields_of(program) if name in own)


def unseen(program: Program, field: str) -> Statement:
    """Return the query for the addresses of records whose form is neither plain nor known."""
    return _unseen(
        field, column("r", _position(program.profile, field)), "unify_record", exp.true()
    )


@cache
def unseen_writes(field: str) -> Statement:
    """Return the same query for the addresses that journeys have written."""
    mine = fill("r.field = {field}", field=literal(field))
    return _unseen(field, column("r", "value"), "field_write", mine)


def _unseen(field: str, address: exp.Expr, table: str, which: exp.Expr) -> Statement:
    return query(
        "SELECT DISTINCT {c} FROM {t} AS r WHERE {which} AND NOT {c} IS NULL AND {odd} "
        "AND NOT EXISTS (SELECT 1 FROM canonical_address AS a "
        "WHERE a.field = {field} AND a.written = {c})",
        c=address,
        t=table,
        which=which,
        odd=exp.true() if field == "phone" else fill(_NOT_PLAIN, c=address),
        field=literal(field),
    )


def compared(profile: Profile, rule: tuple[str, ...]) -> exp.Expr:
    """Return the records for a rule of matching, as a table or a query, with canonical addresses.

    `rule` are columns of `unify_record`.
    """
    addresses = {_position(profile, f.name): f.name for f in profile.fields}
    typed = {c: addresses[c] for c in rule if addresses.get(c) in TYPED_ADDRESSES}
    if not typed:
        return exp.to_table("unify_record")
    columns = [fill("r.rec AS rec")]
    for c in rule:
        form = fill("COALESCE({a}, {r})", a=column(f"a{c}", "canonical"), r=column("r", c))
        columns.append(named(form if c in typed else column("r", c), c))
    joins = [
        f"LEFT JOIN canonical_address AS a{c} ON a{c}.field = '{name}' AND a{c}.written = r.{c}"
        for c, name in typed.items()
    ]
    return exp.Subquery(this=select(columns, f"SELECT 1 FROM unify_record AS r {' '.join(joins)}"))


def _position(profile: Profile, field: str) -> str:
    return f"f{[f.name for f in profile.fields].index(field)}"


# --- lookups ----------------------------------------------------------------------------------


@cache
def holders(field: str) -> Statement:
    """Return the query for the customers with an address in `$addresses`, a JSON list of canonical
    forms.

    Shape: (form, id of the customer), one row for each customer with this address.
    """
    return query(
        """
SELECT l.item, c.id FROM {list} AS l JOIN customer AS c ON {own} = l.item
UNION
SELECT l.item, c.id FROM {list} AS l
JOIN canonical_address AS a ON a.field = {field} AND a.canonical = l.item
JOIN customer AS c ON {own} = a.written
ORDER BY 2
""",
        list=list_of("addresses"),
        own=column("c", field),
        field=literal(field),
    )


def has_address(field: str, form: exp.Expr) -> exp.Expr:
    """Return the condition that the customer `c` has an address with the canonical form `form`."""
    return fill(
        "({own} = {form} OR {own} IN (SELECT a.written FROM canonical_address AS a "
        "WHERE a.field = {field} AND a.canonical = {form}))",
        own=column("c", field),
        form=form,
        field=literal(field),
    )


def form_of(address: exp.Expr, channel: exp.Expr) -> exp.Expr:
    """Return the canonical form of a written address of a channel."""
    field = exp.Case(this=channel)
    for name, place in ADDRESS.items():
        field = field.when(literal(name), literal(place), copy=False)
    return fill(
        "COALESCE((SELECT MIN(a.canonical) FROM canonical_address AS a "
        "WHERE a.written = {address} AND a.field = {field}), LOWER({address}))",
        address=address,
        field=field,
    )


def listed(channel: str, address: exp.Expr) -> exp.Expr:
    """Return the condition that the canonical form of an address is on the suppression list of the
    channel.

    The list is short and has canonical forms. So the written addresses of its entries are looked
    up, and not the form of each customer's address.
    """
    field = ADDRESS[channel]
    plain = fill(
        "COALESCE(LOWER({address}), '') IN (SELECT l.address FROM suppression AS l "
        "WHERE COALESCE(l.channel, {channel}) = {channel} AND NOT l.address IS NULL)",
        address=address,
        channel=literal(channel),
    )
    if field not in TYPED_ADDRESSES:
        return plain
    written = fill(
        "COALESCE({address}, '') IN (SELECT a.written FROM suppression AS l "
        "JOIN canonical_address AS a ON a.canonical = l.address AND a.field = {field} "
        "WHERE COALESCE(l.channel, {channel}) = {channel})",
        address=address,
        channel=literal(channel),
        field=literal(field),
    )
    return exp.or_(plain, written, copy=False)
