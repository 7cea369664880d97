"""Effects: the statements of an `ActState`, for all passages of a batch that visit it."""

from collections.abc import Callable, Mapping

from cij.compiler import program as pg
from cij.compiler.sql.plan.effects.consent import consent
from cij.compiler.sql.plan.effects.counting import arm, take, turn
from cij.compiler.sql.plan.effects.do import do
from cij.compiler.sql.plan.effects.emit import emit
from cij.compiler.sql.plan.effects.note_event import note_event
from cij.compiler.sql.plan.effects.send import send
from cij.compiler.sql.plan.effects.set_field import set_field
from cij.compiler.sql.plan.effects.site import Site
from cij.compiler.sql.template import Statement

__all__ = ["Site", "effect"]

Emit = Callable[[Site], list[Statement]]

# A new kind of effect is one module and one row here.
_EFFECTS: Mapping[type, Emit] = {
    pg.SendEffect: send,
    pg.DoEffect: do,
    pg.SetEffect: set_field,
    pg.ConsentEffect: consent,
    pg.NoteEventEffect: note_event,
    pg.EmitEffect: emit,
    pg.IterationEffect: turn,
    pg.TakeEffect: take,
    pg.ArmEffect: arm,
}


def effect(site: Site) -> list[Statement]:
    """Return the statements of a state for the passages that visit it, in the order of
    execution."""
    return _EFFECTS[type(site.state.effect)](site)
