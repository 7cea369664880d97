"""`send`: one row of the outbox for each passage that visits the step.

Checks are in the order of S16.

A message that is not sent gets a row too, with its outcome and reason.
"""

from sqlglot import exp

from cij.compiler import expression as ex, program as pg
from cij.compiler.channels import ADDRESS
from cij.compiler.relations import follow
from cij.compiler.sql.condition import column, value
from cij.compiler.sql.plan.context import Context, text
from cij.compiler.sql.plan.effects.checks import (
    Check,
    capped,
    checks_of,
    expired_at,
    outcome_of,
    reason_of,
    verdict_of,
)
from cij.compiler.sql.plan.effects.parameter_values import shown
from cij.compiler.sql.plan.effects.site import Site
from cij.compiler.sql.send_rules import room, valid_until
from cij.compiler.sql.template import Statement, fill
from cij.compiler.types import DATETIME, TEXT

_SEND = """
INSERT INTO outbox_row (effect, passage, turn, customer, address, parameters, created_at, outcome,
  reason)
SELECT {effect}, s.passage, s.turn, s.customer, s.address, s.parameters, $now, {outcome}, {reason}
FROM {rows} AS s
"""
_ROWS = """
SELECT m.passage, {turn} AS turn, m.customer, {locale} AS locale, {address} AS address,
  {parameters} AS parameters, {expires_at} AS expires_at, {verdict} AS verdict
FROM tick_batch AS m JOIN customer AS c ON c.id = m.customer
WHERE {leaves}
"""

# One customer may have several passages in a batch. `place` numbers their messages, so that those
# after the last free place exceed the cap.
_CAPPED = """
SELECT q.passage, q.turn, q.customer, q.locale, q.address, q.parameters, q.expires_at,
  {verdict} AS verdict
FROM (
  SELECT r.passage, r.turn, r.customer, r.locale, r.address, r.parameters, r.expires_at, r.verdict,
    ROW_NUMBER() OVER (PARTITION BY r.customer, r.verdict ORDER BY r.passage ASC) AS place
  FROM {rows} AS r
) AS q
"""


def send(site: Site) -> list[Statement]:
    """Return the statement that queues the message of a send for all passages that visit
    the step."""
    effect, context = site.state.effect, site.context
    assert isinstance(effect, pg.SendEffect)
    message = context.message(effect.message)
    rules = context.rules.of(message)
    checks = checks_of(message, site)
    tree = fill(
        _SEND,
        effect=site.effect,
        rows=_capped(_rows(message, checks, rules.caps, site), rules.caps, context),
        outcome=outcome_of(checks, rules.caps, column("s", "verdict")),
        reason=reason_of(checks, rules.caps, column("s", "verdict")),
    )
    assert isinstance(tree, exp.Insert) and isinstance(tree.expression, exp.Select)
    site.with_effect(tree.expression, "s")
    for name in _sometimes(message, context):
        tree.this.append("expressions", exp.to_identifier(name, quoted=True))
        tree.expression.append("expressions", column("s", name))
    return [Statement(tree)]


def _sometimes(message: pg.Message, context: Context) -> list[str]:
    """Return the columns that only some messages need.

    Others omit them, since a column of nulls costs.
    """
    found = {"locale": _has_language(context), "expires_at": message.expires is not None}
    return [name for name, is_there in found.items() if is_there]


def _has_language(context: Context) -> bool:
    fields = context.program.profile.fields
    return context.journey.language is not None or any(f.name == "language" for f in fields)


def _rows(
    message: pg.Message, checks: list[Check], caps: tuple[ex.Cap, ...], site: Site
) -> exp.Select:
    effect, context = site.state.effect, site.context
    assert isinstance(effect, pg.SendEffect)
    rows = fill(
        _ROWS,
        turn=site.turn,
        locale=_locale(site),
        address=_address(effect.channel, context),
        parameters=_parameters(effect, message, site),
        expires_at=_expires_at(message, site),
        verdict=verdict_of(checks),
        leaves=site.comes_by,
    )
    assert isinstance(rows, exp.Select)
    context.naming(rows, "m")
    for n, cap in enumerate(caps, 1):
        # The room is computed once a row here, because the outer query compares it with `place`.
        rows.append("expressions", exp.alias_(room(cap, site.scope), f"room_{n}", quoted=True))
    if message.expires is not None:
        # The validity of a held message counts from when it was first held, which the passage
        # knows.
        held = fill("SELECT 1 FROM x JOIN passage_row AS p ON p.id = m.passage")
        rows.append("joins", held.args["joins"][0].copy())
    reads = [*effect.parameters.values(), context.journey.language]
    names = context.trigger_events(*reads) or _trigger_events_of(message, context)
    _join_triggers(rows, names, context)
    return rows


def _expires_at(message: pg.Message, site: Site) -> exp.Expr:
    node = expired_at(message, site)
    if node is None:
        return fill("CAST(NULL AS TIMESTAMP)")
    return valid_until(node, site.context.scope)


def _capped(rows: exp.Select, caps: tuple[ex.Cap, ...], context: Context) -> exp.Expr:
    """Return the rows with the verdict of those that exceed a cap."""
    if not caps:
        return rows
    verdict = exp.Case()
    for n in range(1, len(caps) + 1):
        # Only messages that pass all other checks take a place.
        test = fill(
            "q.verdict = 'queued' AND q.place > {room}",
            room=exp.column(f"room_{n}", "q", quoted=True),
        )
        verdict = verdict.when(test, text(capped(n)), copy=False)
    verdict = verdict.else_(column("q", "verdict"), copy=False)
    tree = fill(_CAPPED, rows=rows, verdict=verdict)
    inner = tree.find(exp.Subquery)
    assert inner is not None and isinstance(inner.this, exp.Select)
    context.naming(tree, "q")
    context.naming(inner.this, "r")
    _in_order_of_journeys(inner.this, context)
    for n in range(1, len(caps) + 1):
        inner.this.append("expressions", exp.column(f"room_{n}", "r", quoted=True))
    return tree


def _in_order_of_journeys(rows: exp.Select, context: Context) -> None:
    """Order the places by journey first, where journeys share the statement.

    Without sharing each journey has its own statement, so the result is the same.
    """
    window = rows.find(exp.Window)
    assert window is not None
    if context.is_shared:
        first = [exp.Ordered(this=tree) for tree in context.names_of("r").values()]
        order = window.args["order"]
        order.set("expressions", [*first, *order.expressions])


def _trigger_events_of(message: pg.Message, context: Context) -> list[str]:
    # A template names `trigger.x` without the event, so every entering event may be meant.
    if not any(f.startswith("trigger.") for f in message.fields):
        return []
    return [e.event for e in context.journey.entries if isinstance(e, pg.EventEntry)]


def _join_triggers(select: exp.Select, names: list[str], context: Context) -> None:
    for name in dict.fromkeys(names):
        node = ex.TriggerField(type=TEXT, events=(name,), name="at")
        context.with_triggers(select, "m", node)


def _address(channel: str, context: Context) -> exp.Expr:
    name = ADDRESS[channel]
    if any(f.name == name for f in context.program.profile.fields):
        return column("c", name)
    return fill("CAST(NULL AS TEXT)")


def _locale(site: Site) -> exp.Expr:
    context = site.context
    language = context.journey.language
    if language is not None:
        return value(language, site.scope)
    return column("c", "language") if _has_language(context) else fill("CAST(NULL AS TEXT)")


# --- parameters -------------------------------------------------------------------------------


def _parameters(effect: pg.SendEffect, message: pg.Message, site: Site) -> exp.Expr:
    pairs: list[tuple[str, ex.Expression]] = list(effect.parameters.items())
    pairs += [(name, _result(name, site) or _read(name, site.context)) for name in message.fields]
    if not pairs:
        return text("{}")
    keys = [
        exp.JSONKeyValue(this=text(name), expression=shown(node, site.scope))
        for name, node in pairs
    ]
    return fill("CAST({object} AS TEXT)", object=exp.JSONObject(expressions=keys))


def _result(name: str, site: Site) -> ex.Expression | None:
    """Return the expression of `LABEL.x`, where a step with that label calls an action; else None.

    The step is looked up in the same fragment, because labels are local to a fragment.
    """
    label, _, result = name.partition(".")
    prefix = site.state.step.rpartition(".")[0]
    step = f"{prefix}.{label}" if prefix else label
    for state in site.context.journey.states:
        match state:
            case pg.ActState(step=own, effect=pg.DoEffect(action=action)) if own == step:
                return _value_of(site.context.action(action), step, result, site)
            case pg.ActState(step=own, effect=pg.NoteEventEffect(event=event)) if own == step:
                return _noted(site.context.event(event), step, result)
    return None


def _noted(event: pg.Event, step: str, name: str) -> ex.Expression:
    # Every event has `at`, and only interactions have `channel`.
    named = {f.name: f.type for f in event.fields} | {"at": DATETIME}
    type = named.get(name, TEXT)
    return ex.Noted(type=type, is_nullable=True, event=event.name, step=step, name=name)


def _value_of(action: pg.Action, step: str, name: str, site: Site) -> ex.Expression:
    type = next(r.type for r in action.returns if r.name == name)
    journey = site.context.journey.name
    return ex.Result(
        type=type, is_nullable=True, journey=journey, step=step, action=action.name, name=name
    )


def _read(name: str, context: Context) -> ex.Expression:
    """Return the expression of a dotted name in a template, in the order of the resolver's own
    lookup."""
    profile = context.program.profile
    name = name.removeprefix(f"{profile.name}.")
    if name == "id":
        return ex.Field(type=TEXT, name="id")
    for field in profile.fields:
        if field.name == name:
            return ex.Field(type=field.type, is_nullable=True, name=name)
    for measure in context.program.measures:
        if measure.name == name:
            return ex.MeasureValue(type=measure.value.type, is_nullable=True, measure=name)
    head, *names = name.split(".")
    if head != "trigger":
        return _followed(_read(head, context), names, context)
    return _followed(_read_trigger(names[0], context), names[1:], context)


def _followed(base: ex.Expression, names: list[str], context: Context) -> ex.Expression:
    found = follow(base, names, context.program.entities)
    assert found is not None, f"content was checked: {names} lead to a field"
    return found


def _read_trigger(name: str, context: Context) -> ex.Expression:
    events = tuple(e.event for e in context.journey.entries if isinstance(e, pg.EventEntry))
    type = DATETIME
    for field in context.event(events[0]).fields:
        type = field.type if field.name == name else type
    return ex.TriggerField(type=type, is_nullable=True, events=events, name=name)
