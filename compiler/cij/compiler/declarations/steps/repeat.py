"""`repeat up to N times every D until C`: a bounded loop (S15)."""

from cij.compiler import model
from cij.compiler.declarations.steps.step_context import JourneyContext, resolve_steps
from cij.compiler.iterations import ITERATIONS_MAX, iterations_of
from cij.compiler.typecheck import check_condition
from cij.compiler.typecheck.written_period import period
from cij.grammar import codes, syntax


def repeat(step: syntax.Repeat, context: JourneyContext) -> model.Step | None:
    """`repeat up to 3 times every 7 days until C {…}`."""
    name = context.name_of(step, "repeat")
    body = _body(step, context)
    # It is tested before every iteration, and may read results of calls in the one before.
    until = check_condition(step.until, context.env) if step.until is not None else None
    if not _is_bounded(step, body, context) or (until is None and step.until is not None):
        return None
    every = period(step.every) if step.every is not None else None
    return model.Repeat(name, step.span, step.times, every, until, body)


def _body(step: syntax.Repeat, context: JourneyContext) -> model.Steps:
    """Resolve the steps. What an iteration promises is not promised after the loop: there may be none."""
    known, sent = context.known, context.sent
    body = resolve_steps(step.steps, context)
    context.known, context.sent = known, sent
    return body


def _is_bounded(step: syntax.Repeat, body: model.Steps, context: JourneyContext) -> bool:
    report = context.build.report
    if step.times < 1:
        report(codes.BAD_SETTING.at(step.span, "a loop needs at least 1 iteration"))
        return False
    if iterations_of(body) * step.times > ITERATIONS_MAX:
        message = f"the loops in each other have more than {ITERATIONS_MAX} turns"
        report(codes.BAD_SETTING.at(step.span, message))
        return False
    if step.every is None and step.times > 1 and not _always_waits(body):
        message = "an iteration of this loop can pass without a wait, so all iterations would happen at once"
        hint = "write `repeat up to 3 times every 7 days`, or put a `wait` on every path"
        report(codes.ENDLESS_LOOP.at(step.span, message, help=hint))
        return False
    return True


def _always_waits(steps: model.Steps) -> bool:
    """Tell whether every path to the end of a block waits."""
    return any(_waits(step) for step in steps)


def _waits(step: model.Step) -> bool:
    match step:
        case model.Wait(conditions=conditions, timer=timer):
            # A wait with a condition that holds already is no wait, nor one for what is past.
            return not conditions and model.takes_time(timer)
        case model.End():
            return True
        case model.Choose():
            return all(_always_waits(block) for block in model.blocks(step))
        case model.Repeat(until=until, every=every):
            return until is None and every is None and _always_waits(step.steps)
        case model.Group():
            return _always_waits(step.steps)
    return False
