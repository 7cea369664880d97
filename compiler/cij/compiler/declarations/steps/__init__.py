"""Steps: every written form becomes one of the kinds of the model. One row each."""

from collections.abc import Callable, Mapping
from typing import Any

from cij.compiler import model
from cij.compiler.declarations.steps.branch import if_, split, switch
from cij.compiler.declarations.steps.context import (
    JourneyContext,
    Resolver,
    everything,
    later,
    resolve_steps,
)
from cij.compiler.declarations.steps.effects import emit, set_field
from cij.compiler.declarations.steps.end import end
from cij.compiler.declarations.steps.first import first
from cij.compiler.declarations.steps.repeat import repeat
from cij.compiler.declarations.steps.run import run
from cij.compiler.declarations.steps.send import send
from cij.compiler.declarations.steps.wait import wait, wait_event, wait_first, wait_until
from cij.grammar import syntax

__all__ = ["RESOLVERS", "JourneyContext", "everything", "resolve_steps"]


def _later_step(word: str) -> Callable[[Any, JourneyContext], model.Step | None]:
    return lambda step, context: later(f"the step `{word}`", step.span, context)


RESOLVERS: Mapping[type, Resolver] = {
    syntax.Send: send,
    syntax.Wait: wait,
    syntax.WaitUntil: wait_until,
    syntax.WaitEvent: wait_event,
    syntax.WaitFirst: wait_first,
    syntax.If: if_,
    syntax.Switch: switch,
    syntax.Split: split,
    syntax.End: end,
    syntax.First: first,
    syntax.Do: _later_step("do"),
    syntax.Set: set_field,
    syntax.Emit: emit,
    syntax.Repeat: repeat,
    syntax.Run: run,
}
