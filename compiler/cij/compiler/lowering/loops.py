"""Loops become states. `iterations` explains the one number that counts all loops around a step."""

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.iterations import iterations_of
from cij.compiler.lowering.goals_and_exits import gate
from cij.compiler.lowering.machine import Machine
from cij.compiler.model import place


def tail_of(step: model.Repeat) -> str:
    """Return the state to which the steps of a loop lead."""
    return f"{step.name}:again"


def lower_loop(step: model.Repeat, body: str, after: str, machine: Machine) -> str:
    """Add the states around the steps of a loop, which begin at `body`; return where it begins.

    An iteration ends at the tail, which leads to the pause, if there is one, and to the next iteration,
    or out of the loop. If no path reaches the end of the block, the first iteration is the only one.
    """
    unit, is_passed = iterations_of(step.steps), model.reaches_end(step.steps)
    leave = _iteration(
        step, "leave", pg.IterationEffect(unit=unit, size=step.times, is_next=False), after
    )
    if is_passed or step.until is not None:
        machine.add(leave)
    head = loop_head(step, body, leave.id, machine)
    if not is_passed:
        return head
    following = pg.IterationEffect(unit=unit, size=step.times, is_next=True)
    onward = machine.add(_iteration(step, "next", following, head))
    if step.every is not None:
        onward = _pause(step, step.every, onward, machine)
    again = ex.Again(unit=unit, size=step.times)
    _decide(tail_of(step), step, [(again, onward)], leave.id, machine)
    return head


def loop_head(step: model.Repeat, body: str, leave: str, machine: Machine) -> str:
    """Return the state that tests `until` before an iteration, or the first state of the iteration."""
    if step.until is None:
        return body
    return _decide(f"{step.name}:until", step, [(step.until, leave)], body, machine)


def _iteration(
    step: model.Repeat, what: str, effect: pg.IterationEffect, target: str
) -> pg.ActState:
    return pg.ActState(
        id=f"{step.name}:{what}",
        step=step.name,
        is_hidden=True,
        place=place(step.span),
        effect=effect,
        target=target,
    )


def _pause(step: model.Repeat, every: ex.Period, onward: str, machine: Machine) -> str:
    return machine.add(
        pg.WaitState(
            id=f"{step.name}:pause",
            step=step.name,
            place=place(step.span),
            timer=pg.AfterPeriod(period=every),
            timeout=gate(onward, machine),
        )
    )


def _decide(
    id: str,
    step: model.Step,
    ways: list[tuple[ex.Expression, str]],
    otherwise: str,
    machine: Machine,
) -> str:
    branches = tuple(pg.Branch(guard=guard, target=target) for guard, target in ways)
    return machine.add(
        pg.DecideState(
            id=id,
            step=step.name,
            place=place(step.span),
            branches=branches,
            otherwise=otherwise,
        )
    )
