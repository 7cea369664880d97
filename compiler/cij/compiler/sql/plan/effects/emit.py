"""`emit`: appends an event of the customer at the instant of the step."""

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql.columns import cast
from cij.compiler.sql.condition import storable
from cij.compiler.sql.plan.effects.site import Site
from cij.compiler.sql.template import Statement, fill, query

_ROWS = """
SELECT (SELECT k.value FROM counter AS k WHERE k.name = 'event')
    + ROW_NUMBER() OVER (ORDER BY m.passage), {key}, m.customer, {at}, $now
FROM tick_batch AS m JOIN customer AS c ON c.id = m.customer
WHERE {comes_by} AND NOT m.is_held_out
"""


def emit(site: Site) -> list[Statement]:
    """Return the statements that append the events and number them.

    The id of an event is the key of the effect, so it is written once (S19). Held-out customers
    emit no event, because other journeys could react to it and reach them (S9).
    """
    effect, context = site.state.effect, site.context
    assert isinstance(effect, pg.EmitEffect)
    event = context.event(effect.event)
    rows = fill(_ROWS, key=site.key, at=site.instant, comes_by=site.comes_by)
    assert isinstance(rows, exp.Select)
    context.with_triggers(rows, "m", *effect.fields.values())
    types = {f.name: f.type for f in event.fields}
    for name, node in effect.fields.items():
        rows.append("expressions", cast(storable(node, types[name], site.scope), types[name]))
    names = ["seq", "id", "customer", "at", "arrived_at", *effect.fields]
    insert = exp.Insert(
        this=exp.Schema(
            this=exp.Table(this=exp.to_identifier(f"event_{event.name}", quoted=True)),
            expressions=[exp.to_identifier(name, quoted=True) for name in names],
        ),
        expression=rows,
    )
    return [Statement(insert), _count(site)]


def _count(site: Site) -> Statement:
    # The condition is that of the insert, so the counter always equals the highest number.
    return query(
        "UPDATE counter SET value = value + (SELECT COUNT(*) FROM tick_batch AS m "
        "WHERE {comes_by} AND NOT m.is_held_out) WHERE counter.name = 'event'",
        comes_by=site.comes_by,
    )
