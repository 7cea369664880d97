"""Aggregates over a customer's events: `agg(event[.field] [window] [where …])`."""

from collections.abc import Callable
from dataclasses import replace

from cij.compiler import expression as ex, program as pg
from cij.compiler.channels import OF_CALLS, happens_on
from cij.compiler.mistake_list import MistakeList
from cij.compiler.naming import did_you_mean, no_event
from cij.compiler.typecheck.environment import Called, Environment
from cij.compiler.typecheck.names import event_field, resolve
from cij.compiler.typecheck.written_period import period
from cij.compiler.types import BOOLEAN, DATETIME, DECIMAL, INTEGER, Type
from cij.grammar import codes, syntax

AGGREGATES = ("any", "count", "sum", "avg", "min", "max", "first", "last", "last known")
COUNT_DISTINCT = "count distinct"

_Check = Callable[[syntax.Expression, Environment], ex.Expression | None]


def check_aggregate(
    node: syntax.Call, env: Environment, check: _Check, check_condition: _Check
) -> ex.Expression | None:
    """Return the typed aggregate; `check` and `check_condition` type what is inside."""
    function = node.function.text
    if not env.has_customer or len(node.arguments) != 1:
        message = f"`{function}` takes one event of the customer, such as `{function}(purchase)`"
        env.report(codes.TYPE_MISMATCH.at(node.span, message))
        return None
    argument = node.arguments[0]
    if argument.is_distinct and not _may_be_distinct(function, argument, env):
        return None
    if (items := _list_of(argument, function, env, check)) is not None:
        return _of_list(function, items)
    event = _event(argument, function, env)
    if event is None:
        return None
    of = _message(argument.value, event, env) if isinstance(argument.value, syntax.Call) else None
    if of is None and isinstance(argument.value, syntax.Call):
        return None
    inner = env.with_event(event)
    value = None if of else _value(argument.value, event, function, env)
    where = check_condition(argument.where, inner) if argument.where else None
    window = _window(argument.window, env, check) if argument.window else None
    if (argument.where and where is None) or (argument.window and window is None):
        return None
    if of is not None:
        where = of if where is None else ex.And(items=(of, where))
    if argument.is_distinct and value is not None:
        function = COUNT_DISTINCT
    return _build(function, event, value, window, where, node, env)


def _may_be_distinct(function: str, argument: syntax.Argument, env: Environment) -> bool:
    """Tell whether `distinct` stands where it has a meaning, or report that it has none."""
    path = argument.value
    has_field = isinstance(path, syntax.Path) and len(path.parts) > 1
    if function == "count" and has_field:
        return True
    message = "`distinct` counts the different values of one field of an event"
    hint = "write `count(distinct EVENT.FIELD)`, such as `count(distinct purchase.coupon)`"
    env.report(codes.TYPE_MISMATCH.at(argument.span, message, help=hint))
    return False


def _list_of(
    argument: syntax.Argument, function: str, env: Environment, check: _Check
) -> ex.Expression | None:
    """Return the list that `count` or `any` is asked about, None where it is no list."""
    node = argument.value
    is_plain = argument.where is None and argument.window is None and not argument.is_distinct
    if function not in ("any", "count") or not is_plain:
        return None
    if isinstance(node, syntax.Path) and node.parts[0] in env.model.events:
        return None
    found = check(node, replace(env, diagnostics=MistakeList()))
    return found if found is not None and found.type.kind == "list" else None


def _of_list(function: str, items: ex.Expression) -> ex.Expression:
    count = ex.Call(
        type=INTEGER, is_nullable=items.is_nullable, function="count", arguments=(items,)
    )
    none = ex.Constant(type=INTEGER, value=0)
    return count if function == "count" else ex.Compare(operator=">", left=count, right=none)


def _event(argument: syntax.Argument, function: str, env: Environment) -> pg.Event | None:
    path = argument.value
    name = path.parts[0] if isinstance(path, syntax.Path) else ""
    if isinstance(path, syntax.Call):
        # An interaction with one message: `any(opened(mail))`.
        name = path.function.text
    found = env.model.events.get(name)
    if found is None and name not in env.declared["event"]:
        events = env.model.events
        nothing = f"`{function}` takes an event"
        env.report(
            no_event(path.span, name, events, "no such event")
            if name
            else codes.UNKNOWN_NAME.at(path.span, nothing, help=did_you_mean("", events))
        )
    return found


def _message(node: syntax.Call, event: pg.Event, env: Environment) -> ex.OfMessage | None:
    """Return the condition that a row of the event belongs to the message of a labelled send."""
    label = node.arguments[0].value if len(node.arguments) == 1 else None
    name = label.text if isinstance(label, syntax.Path) else ""
    called = env.results.get(name)
    if event.name == OF_CALLS and isinstance(called, Called):
        return ex.OfMessage(journey=called.journey, step=called.step)
    fault, hint = _message_fault(name, event, env)
    if fault is None:
        sent = env.sends[name]
        return ex.OfMessage(journey=sent.journey, step=sent.step)
    env.report(codes.BAD_LABEL.at(node.span, fault, help=hint))
    return None


def _message_fault(name: str, event: pg.Event, env: Environment) -> tuple[str | None, str | None]:
    """Return what is wrong with `EVENT(NAME)`, if something is, and what may help."""
    if not event.is_interaction:
        fault = f"`{event.name}` is not an interaction with a message, so it has no step"
        return fault, f"write `{event.name}` alone"
    if not env.has_passage:
        fault = (
            f"`{event.name}({name})` is one message of a passage, and this is outside of a journey"
        )
        return fault, f"write `{event.name}` alone: all of the customer"
    if name not in env.sends:
        fault = f"no send before this place is called `{name}`"
        return fault, did_you_mean(name, env.sends) or "write `LABEL: send …` before it"
    channels = env.sends[name].channels
    if channels and not any(happens_on(event.name, channel) for channel in channels):
        return f"`{name}` sends by {channels[0]}, and no {channels[0]} is ever {event.name}", None
    return None, None


def _value(
    path: syntax.Expression, event: pg.Event, function: str, env: Environment
) -> ex.Expression | None:
    assert isinstance(path, syntax.Path)
    if len(path.parts) == 1:
        return None
    name = ".".join(path.parts[1:])
    found = event_field(event, name)
    if found is None and len(path.parts) > 2:
        return resolve(path, env.with_event(event))
    if found is None and f"{event.name}.{name}" not in env.broken:
        hint = did_you_mean(name, ["at", *(f.name for f in event.fields)])
        message = f"event `{event.name}` has no field `{name}`"
        env.report(codes.UNKNOWN_NAME.at(path.span, message, label="no such field", help=hint))
    return found


def _window(window: syntax.Window, env: Environment, check: _Check) -> ex.Last | ex.Range | None:
    if isinstance(window, syntax.WithinLast):
        return ex.Last(period=period(window.duration))
    if isinstance(window, syntax.Since):
        start = _instant(window.moment, env, check)
        return None if start is None else ex.Range(start=start)
    start, end = _instant(window.start, env, check), _end(window.end, env, check)
    return None if start is None or end is None else ex.Range(start=start, end=end)


def _end(node: syntax.Expression, env: Environment, check: _Check) -> ex.Expression | None:
    # A written date is the whole day, so it stays one: where it ends depends on the customer's zone.
    if isinstance(node, syntax.Date):
        return check(node, env)
    return _instant(node, env, check)


def _instant(node: syntax.Expression, env: Environment, check: _Check) -> ex.Expression | None:
    found = check(node, env)
    if found is None or found.type == DATETIME:
        return found
    if isinstance(found, ex.Constant) and found.type.kind == "date":
        return ex.Constant(type=DATETIME, value=f"{found.value} 00:00:00")
    message = f"a window starts and ends at an instant or a written date, and this is {found.type}"
    hint = "compare the day instead: `where date(at) >= …`" if found.type.kind == "date" else None
    env.report(codes.TYPE_MISMATCH.at(node.span, message, label=str(found.type), help=hint))
    return None


def _build(
    function: str,
    event: pg.Event,
    value: ex.Expression | None,
    window: ex.Last | ex.Range | None,
    where: ex.Expression | None,
    node: syntax.Call,
    env: Environment,
) -> ex.Expression | None:
    type = _type(function, value, node, env)
    if type is None:
        return None
    nullable = function not in ("any", "count", "sum", COUNT_DISTINCT)
    return ex.Aggregate.model_validate(
        {
            "type": type,
            "is_nullable": nullable,
            "function": function,
            "event": event.name,
            "value": None if function == "any" else value,
            "window": window,
            "where": where,
        }
    )


def _type(
    function: str, value: ex.Expression | None, node: syntax.Call, env: Environment
) -> Type | None:
    if function in ("any", "count", COUNT_DISTINCT):
        return BOOLEAN if function == "any" else INTEGER
    path = node.arguments[0].value
    if value is None:
        if isinstance(path, syntax.Call):
            message = f"`{function}` needs a field of the event; of one message there are `any` and `count`"
            env.report(codes.TYPE_MISMATCH.at(node.span, message))
        if isinstance(path, syntax.Path) and len(path.parts) == 1:
            message = f"`{function}` needs a field of the event: `{function}({path.text}.FIELD)`"
            env.report(codes.TYPE_MISMATCH.at(node.span, message))
        return None
    is_amount = value.type.is_number or value.type.kind == "money"
    if function in ("sum", "avg") and not is_amount:
        message = f"`{function}` needs numbers, and this is {value.type}"
        env.report(codes.TYPE_MISMATCH.at(path.span, message, label=str(value.type)))
        return None
    if function in ("min", "max") and value.type.kind in ("boolean", "list", "entity"):
        message = f"`{function}` needs an order, and {value.type} has none"
        if value.type == BOOLEAN:
            message = f"`{function}` needs an order, and true and false have none"
        env.report(codes.TYPE_MISMATCH.at(path.span, message, label=str(value.type)))
        return None
    if function == "avg" and value.type.kind != "money":
        return DECIMAL
    return value.type
