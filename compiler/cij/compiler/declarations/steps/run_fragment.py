"""`run FRAGMENT(arguments)`: the steps of a fragment, where it is run."""

from dataclasses import replace

from cij.compiler import expression as ex, model
from cij.compiler.declarations.steps.step_context import JourneyContext, resolve_steps
from cij.compiler.naming import did_you_mean
from cij.compiler.typecheck import check
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label


def run(step: syntax.Run, context: JourneyContext) -> model.Step | None:
    """Return the steps of the fragment, with the arguments in the place of its parameters.

    An argument is read anew wherever the fragment names it, at the moment that step runs (S11).
    Labels inside are its own: outside the step `first` of `again: run remind` is `again.first`.
    """
    name = context.name_of(step, f"run {step.fragment.text}")
    fragment = _fragment(step, context)
    if fragment is None:
        return None
    context.build.run_fragments.add(fragment.name.text)
    bindings = _bindings(step, fragment, context)
    if bindings is None:
        return None
    inner = replace(
        context,
        env=replace(context.env, bindings=bindings, results={}, sends={}),
        prefix=f"{name}.",
        running=(*context.running, fragment.name.text),
        steps=fragment.steps,
        sent=frozenset(),
    )
    steps = resolve_steps(fragment.steps, inner)
    context.known = inner.known
    return model.Group(name, step.span, fragment.name.text, steps)


def _fragment(step: syntax.Run, context: JourneyContext) -> syntax.Fragment | None:
    build, name = context.build, step.fragment.text
    found = build.fragments.get(name)
    if found is None:
        hint = did_you_mean(name, build.fragments)
        message = f"there is no fragment `{name}`"
        build.report(codes.UNKNOWN_NAME.at(step.fragment.span, message, help=hint))
        return None
    if name in context.running:
        way = " → ".join(f"`{n}`" for n in (*context.running, name))
        message = f"a fragment cannot run itself: {way}"
        build.report(codes.ENDLESS_LOOP.at(step.fragment.span, message))
        return None
    return found


def _bindings(
    step: syntax.Run, fragment: syntax.Fragment, context: JourneyContext
) -> dict[str, ex.Expression | None] | None:
    names = [p.text for p in fragment.parameters]
    for parameter in fragment.parameters:
        if context.env.field(parameter.text) is not None:
            message = f"`{parameter.text}` is a field of the customer already"
            hint = "choose another name for the parameter"
            diagnostic = codes.DUPLICATE_NAME.at(parameter.span, message, help=hint)
            context.env.report(diagnostic)
    if len(step.arguments) != len(names):
        wanted = ", ".join(names) or "nothing"
        message = f"fragment `{fragment.name.text}` takes {wanted}"
        given = f"{len(step.arguments)} given, {len(names)} wanted"
        related = [Label(fragment.name.span, "declared here")]
        diagnostic = codes.TYPE_MISMATCH.at(step.span, message, label=given, related=related)
        context.build.report(diagnostic)
        return None
    # A mistake in an argument is reported once: inside, the parameter counts as known.
    values = [check(argument, context.env) for argument in step.arguments]
    return dict(zip(names, values, strict=True))
