"""Effects: what an Act state does for all who come by. One row each."""

from collections.abc import Callable, Mapping

from cij.compiler import program as pg
from cij.compiler.sql.plan.context import Context
from cij.compiler.sql.plan.effects.send import send
from cij.compiler.sql.template import Statement

__all__ = ["effect"]

Emit = Callable[[pg.Act, list[int], Context], Statement]

_EFFECTS: Mapping[type, Emit] = {
    pg.SendEffect: send,
}


def effect(state: pg.Act, leaves: list[int], context: Context) -> Statement:
    """Return the statement of a state for those who come by it on their way to one of `leaves`."""
    return _EFFECTS[type(state.effect)](state, leaves, context)
