"""Sends: rows of the outbox, one for each who comes by. The checks are in the order of S16."""

from sqlglot import exp

from cij.compiler import expression as ex, program as pg
from cij.compiler.channels import ADDRESS
from cij.compiler.relations import follow
from cij.compiler.sql.condition import column, strict, value
from cij.compiler.sql.plan.context import Context, text
from cij.compiler.sql.plan.effects.shown import shown
from cij.compiler.sql.plan.effects.site import Site
from cij.compiler.sql.template import Statement, fill
from cij.compiler.types import DATETIME, TEXT

_SEND = """
INSERT INTO outbox (key, journey, version, passage, step, customer, channel, topic, message,
  content, locale, address, parameters, created_at, outcome, reason, attempts, due_at)
SELECT s.key, {journey}, {version}, s.passage, {step}, s.customer, {channel}, {topic}, {message},
  {content}, s.locale, s.address, s.parameters, $now, s.outcome, {reason}, 0,
  CASE WHEN s.outcome = 'queued' THEN $now END
FROM (
  SELECT {key} AS key, m.passage, m.customer, {locale} AS locale, {address} AS address,
    {parameters} AS parameters,
    CASE
      WHEN m.is_held_out THEN 'withheld'
      WHEN NOT {consent} THEN 'no_consent'
      WHEN COALESCE({address}, '') = '' THEN 'no_address'
      ELSE 'queued'
    END AS outcome
  FROM moving AS m JOIN customer AS c ON c.id = m.customer
  WHERE {leaves}
) AS s
"""


def send(site: Site) -> list[Statement]:
    """Return the statement that queues the message of a send for all who come by it."""
    effect, context = site.state.effect, site.context
    assert isinstance(effect, pg.SendEffect)
    message = context.message(effect.message)
    tree = fill(
        _SEND,
        **context.names,
        key=site.key,
        step=site.step,
        channel=text(effect.channel),
        topic=text(message.topic),
        message=text(message.name),
        content=text(pg.content_hash(message)),
        locale=_locale(site),
        address=_address(effect.channel, context),
        parameters=_parameters(effect, message, site),
        consent=_consent(message, context),
        reason=_reason(message, effect.channel),
        leaves=site.comes_by,
    )
    inner = tree.find(exp.Subquery)
    assert inner is not None and isinstance(inner.this, exp.Select)
    reads = [*effect.parameters.values(), context.journey.language]
    names = context.trigger_events(*reads) or _trigger_events_of(message, context)
    _join_triggers(inner.this, names, context)
    return [Statement(tree)]


def _trigger_events_of(message: pg.Message, context: Context) -> list[str]:
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
    if any(f.name == "language" for f in context.program.profile.fields):
        return column("c", "language")
    return fill("CAST(NULL AS TEXT)")


def _consent(message: pg.Message, context: Context) -> exp.Expr:
    if context.topic(message.topic).consent == "none":
        return exp.true()
    node = ex.Consent(topic=message.topic, channel=message.channel)
    return strict(node, context.scope)


def _reason(message: pg.Message, channel: str) -> exp.Expr:
    return fill(
        "CASE s.outcome WHEN 'withheld' THEN 'in the holdout group' "
        "WHEN 'no_consent' THEN {consent} WHEN 'no_address' THEN {address} END",
        consent=text(f"no consent to {message.topic} by {message.channel}"),
        address=text(f"the customer has no {ADDRESS[channel]}"),
    )


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
    """Return what `LABEL.x` stands for, where a step of that label, of the same fragment, calls."""
    label, _, result = name.partition(".")
    prefix = site.state.step.rpartition(".")[0]
    step = f"{prefix}.{label}" if prefix else label
    for state in site.context.journey.states:
        if (
            isinstance(state, pg.Act)
            and state.step == step
            and isinstance(state.effect, pg.DoEffect)
        ):
            return _value_of(site.context.action(state.effect.action), step, result, site)
    return None


def _value_of(action: pg.Action, step: str, name: str, site: Site) -> ex.Expression:
    type = next(r.type for r in action.returns if r.name == name)
    journey = site.context.journey.name
    return ex.Result(
        type=type, is_nullable=True, journey=journey, step=step, action=action.name, name=name
    )


def _read(name: str, context: Context) -> ex.Expression:
    """Return the expression of a dotted name that a template reads."""
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
