"""`end`: leave with an outcome."""

from cij.compiler import model
from cij.compiler.declarations.steps.step_context import JourneyContext
from cij.grammar import syntax


def end(step: syntax.End, context: JourneyContext) -> model.Step:
    """`end OUTCOME`."""
    outcome = step.outcome.text if step.outcome else "completed"
    return model.End(context.name_of(step, f"end {outcome}"), step.span, outcome)
