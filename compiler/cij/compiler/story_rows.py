"""What the condition of an expectation reads: one message or one call, as the row of an event.

    expect sent email M to "ana" where subject contains "80" and code = "X"

The texts are those that the customer reads. The parameters are those that the step gives.
"""

from collections.abc import Iterable
from dataclasses import replace

from cij.compiler import expression as ex, program as pg
from cij.compiler.channels import CHANNELS
from cij.compiler.story import CALL, MESSAGE
from cij.compiler.typecheck import Environment, check_condition
from cij.compiler.types import TEXT, Type, list_of
from cij.compiler.walk import walk
from cij.grammar import codes, syntax

LINKS = "links"
# A template gets these as texts: the local time of the customer, and the key of a row.
_SHOWN_AS_TEXT = ("datetime", "entity")


def message_row(message: pg.Message, journey: pg.Journey | None) -> pg.Event:
    """Return the fields of one message: its texts, its links, and the parameters of the sends."""
    fields: dict[str, Type] = dict.fromkeys(CHANNELS[message.channel].content, TEXT)
    fields[LINKS] = list_of(TEXT)
    for name, value in _given(message, journey):
        fields.setdefault(name, _shown(value.type))
    return _row(MESSAGE, fields)


def call_row(action: pg.Action) -> pg.Event:
    """Return the fields of one call: its parameters."""
    return _row(CALL, {p.name: p.type for p in action.parameters})


def _row(name: str, fields: dict[str, Type]) -> pg.Event:
    parts = (pg.EventFieldDefinition(name=field, type=type) for field, type in fields.items())
    return pg.Event(name=name, fields=tuple(parts))


def _given(message: pg.Message, journey: pg.Journey | None) -> Iterable[tuple[str, ex.Expression]]:
    states = journey.states if journey is not None else ()
    for state in states:
        effect = state.effect if isinstance(state, pg.ActState) else None
        if isinstance(effect, pg.SendEffect) and effect.message == message.name:
            yield from ((n, v) for n, v in effect.parameters.items() if n in message.parameters)


def _shown(type: Type) -> Type:
    return TEXT if type.kind in _SHOWN_AS_TEXT else type


def row_condition(node: syntax.Expression, row: pg.Event, env: Environment) -> ex.Expression | None:
    """Return the typed condition over one row, or report what it cannot read."""
    found = check_condition(node, replace(env, has_customer=False).with_event(row))
    if found is None or not any(isinstance(p, (ex.Member, ex.TopShare)) for p in walk(found)):
        return found
    message = f"here one {row.name} is looked at, and it is in no segment"
    hint = 'write a line of its own: `expect "ana" in segment NAME`'
    env.report(codes.TEST_VALUE.at(node.span, message, help=hint))
    return None
