"""Effects: what an ActState does for all who come by. One row each."""

from collections.abc import Callable, Mapping

from cij.compiler import program as pg
from cij.compiler.sql.plan.effects.counting import arm, take, turn
from cij.compiler.sql.plan.effects.do import do
from cij.compiler.sql.plan.effects.emit import emit
from cij.compiler.sql.plan.effects.send import send
from cij.compiler.sql.plan.effects.set_field import set_field
from cij.compiler.sql.plan.effects.site import Site
from cij.compiler.sql.template import Statement

__all__ = ["Site", "effect"]

Emit = Callable[[Site], list[Statement]]

_EFFECTS: Mapping[type, Emit] = {
    pg.SendEffect: send,
    pg.DoEffect: do,
    pg.SetEffect: set_field,
    pg.EmitEffect: emit,
    pg.IterationEffect: turn,
    pg.TakeEffect: take,
    pg.ArmEffect: arm,
}


def effect(site: Site) -> list[Statement]:
    """Return the statements of a state for those who come by it."""
    return _EFFECTS[type(site.state.effect)](site)
