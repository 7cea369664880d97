"""`first 1000 NAME {…} else {…}`: the first customers who arrive."""

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.declarations.steps.step_context import JourneyContext, branches
from cij.grammar import codes, syntax


def first(step: syntax.First, context: JourneyContext) -> model.Step | None:
    """Return a choice whose arm begins with taking a place."""
    name = context.name_of(step, f"first {step.name.text}")
    if step.count < 1:
        context.build.report(codes.BAD_SETTING.at(step.span, "`first` needs at least 1 customer"))
        return None
    counter = f"{context.node.name.text}:{context.prefix}{step.name.text}"
    guard = ex.FirstCome(counter=counter, count=step.count)
    then, otherwise = branches(
        context, [(step.then, frozenset[str]()), (step.otherwise, frozenset())]
    )
    taken = model.Act(f"{name}:taken", step.span, pg.TakeEffect(counter=counter), is_hidden=True)
    return model.Choose(name, step.span, (model.ChooseArm(guard, (taken, *then)),), otherwise)
