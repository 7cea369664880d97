"""`set`: writes a field of the customer that belongs to journeys and not to a source."""

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql.columns import cast, column
from cij.compiler.sql.condition import storable
from cij.compiler.sql.plan.context import text
from cij.compiler.sql.plan.effects.site import Site
from cij.compiler.sql.template import Statement, fill, query

# Every write is kept, because each unification rebuilds the customers and needs it
# (`sql/unify.py`).
_KEEP = """
INSERT INTO field_write (number, customer, field, value, key, at)
SELECT w.start + ROW_NUMBER() OVER (ORDER BY w.passage), w.customer, {field}, w.value, w.key, w.acted_at
FROM (
  SELECT m.passage, m.customer, {at} AS acted_at, CAST({value} AS VARCHAR) AS value, {key} AS key,
    (SELECT k.value FROM counter AS k WHERE k.name = 'write') AS start
  FROM tick_batch AS m JOIN customer AS c ON c.id = m.customer
  WHERE {comes_by} AND NOT m.is_held_out
) AS w
"""

_NEW = "w.number > (SELECT k.value FROM counter AS k WHERE k.name = 'write')"


def set_field(site: Site) -> list[Statement]:
    """Return the statements that write the field for all passages that visit the step.

    They also make segments due again. Fields of held-out customers are not written, because other
    journeys could react to the value and reach them (S9).
    """
    effect, context = site.state.effect, site.context
    assert isinstance(effect, pg.SetEffect)
    field = next(f for f in context.program.profile.fields if f.name == effect.field)
    keep = fill(
        _KEEP,
        field=text(field.name),
        value=storable(effect.value, field.type, site.scope),
        key=site.key,
        at=site.instant,
        comes_by=site.comes_by,
    )
    select = keep.find(exp.Subquery)
    assert select is not None and isinstance(select.this, exp.Select)
    context.with_triggers(select.this, "m", effect.value)
    # One customer may have several passages in the batch. The write with the highest number wins,
    # as it does when customers are unified.
    new = fill(
        "(SELECT w.customer, ARG_MAX(w.value, w.number) AS value FROM field_write AS w "
        f"WHERE {_NEW} GROUP BY w.customer)"
    )
    write = fill(
        "UPDATE customer SET id = 1 FROM {new} AS n WHERE customer.id = n.customer", new=new
    )
    # The name of the column is not known to the template, so the assignment is inserted here.
    change = exp.EQ(
        this=exp.column(exp.to_identifier(field.name, quoted=True)),
        expression=cast(column("n", "value"), field.type),
    )
    write.set("expressions", [change])
    return [Statement(keep), Statement(write), _look_again(), _count()]


def _look_again() -> Statement:
    """Return the statement that makes all segments due in the next tick, if a field was written."""
    return query(
        f"DELETE FROM segment_state WHERE EXISTS (SELECT 1 FROM field_write AS w WHERE {_NEW})"
    )


def _count() -> Statement:
    # It runs last, because the statements before it find the new writes by the old value.
    return query(
        "UPDATE counter SET value = GREATEST(value, COALESCE("
        "(SELECT MAX(w.number) FROM field_write AS w WHERE w.number > counter.value), value)) "
        "WHERE counter.name = 'write'"
    )
