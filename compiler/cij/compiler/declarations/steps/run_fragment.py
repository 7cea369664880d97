"""`run FRAGMENT(arguments)`: the steps of a fragment, where it is run."""

from collections.abc import Mapping
from dataclasses import replace

from cij.compiler import expression as ex, model
from cij.compiler.declarations.fragment_names import named_parameters, with_names
from cij.compiler.declarations.steps.step_context import JourneyContext, resolve_steps
from cij.compiler.naming import did_you_mean
from cij.compiler.typecheck import check
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label
from cij.grammar.expressions import DEPTH_MAX


def run(step: syntax.Run, context: JourneyContext) -> model.Step | None:
    """Return the steps of the fragment, with the arguments in the place of its parameters.

    An argument is read anew wherever the fragment names it, at the moment that step runs (S11).
    A parameter that the fragment uses as a message or a topic takes a name. Labels inside are its own:
    outside, the step `first` of `again: run remind` is `again.first`.
    """
    name = context.name_of(step, f"run {step.fragment.text}")
    fragment = _fragment(step, context)
    if fragment is None:
        return None
    context.build.run_fragments.add(fragment.name.text)
    named = named_parameters(fragment, context.build.fragments)
    bindings = _bindings(step, fragment, named, context)
    if bindings is None:
        return None
    own = with_names(fragment.steps, _names(step, fragment, named))
    inner = replace(
        context,
        env=replace(context.env, bindings=bindings, results={}, sends={}),
        prefix=f"{name}.",
        running=(*context.running, fragment.name.text),
        steps=own,
        sent=frozenset(),
    )
    steps = resolve_steps(own, inner)
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
    if len(context.running) >= DEPTH_MAX:
        message = f"fragments run each other more than {DEPTH_MAX} levels deep"
        build.report(codes.UNEXPECTED_TEXT.at(step.fragment.span, message))
        return None
    return found


def _names(
    step: syntax.Run, fragment: syntax.Fragment, named: Mapping[str, str]
) -> dict[str, syntax.Path]:
    pairs = zip(fragment.parameters, step.arguments, strict=True)
    return {p.text: a for p, a in pairs if p.text in named and isinstance(a, syntax.Path)}


def _bindings(
    step: syntax.Run,
    fragment: syntax.Fragment,
    named: Mapping[str, str],
    context: JourneyContext,
) -> dict[str, ex.Expression | None] | None:
    """Return the values of the parameters that are values, or None after a mistake was reported."""
    names = [p.text for p in fragment.parameters]
    for parameter in fragment.parameters:
        if parameter.text not in named and context.env.field(parameter.text) is not None:
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
    found: dict[str, ex.Expression | None] = {}
    for name, argument in zip(names, step.arguments, strict=True):
        if name not in named:
            found[name] = check(argument, context.env)
        elif not (isinstance(argument, syntax.Path) and len(argument.parts) == 1):
            message = f"`{name}` of fragment `{fragment.name.text}` is the name of a {named[name]}"
            context.build.report(codes.TYPE_MISMATCH.at(argument.span, message))
            return None
    return found
