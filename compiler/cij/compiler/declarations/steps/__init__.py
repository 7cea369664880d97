"""Steps: every written form becomes one of the kinds of the model. One row each."""

from collections.abc import Mapping

from cij.compiler.declarations.steps.branch import if_, split, switch
from cij.compiler.declarations.steps.consent import consent
from cij.compiler.declarations.steps.do import do
from cij.compiler.declarations.steps.effects import emit, set_field
from cij.compiler.declarations.steps.end import end
from cij.compiler.declarations.steps.first import first
from cij.compiler.declarations.steps.repeat import repeat
from cij.compiler.declarations.steps.run_fragment import run
from cij.compiler.declarations.steps.send import send
from cij.compiler.declarations.steps.step_context import (
    JourneyContext,
    Resolver,
    everything,
    resolve_steps,
)
from cij.compiler.declarations.steps.wait import wait, wait_event, wait_first, wait_until
from cij.grammar import syntax

__all__ = ["RESOLVERS", "JourneyContext", "everything", "resolve_steps"]


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
    syntax.Do: do,
    syntax.Set: set_field,
    syntax.GiveConsent: consent,
    syntax.WithdrawConsent: consent,
    syntax.Emit: emit,
    syntax.Repeat: repeat,
    syntax.Run: run,
}
