"""Steps to states."""

from cij.compiler import model, program as pg
from cij.compiler.lowering.machine import Machine
from cij.compiler.lowering.rules import gate
from cij.compiler.model import place


def needs_end(steps: model.Steps) -> bool:
    """Tell whether somebody comes to the end of a block of steps."""
    if not steps:
        return True
    match steps[-1]:
        case model.End():
            return False
        case model.Choose(arms=arms, otherwise=otherwise):
            return needs_end(otherwise) or any(needs_end(a.steps) for a in arms)
        case model.Wait(arms=arms, otherwise=otherwise):
            return needs_end(otherwise) or any(needs_end(a.steps) for a in arms)
    return True


def lower_steps(steps: model.Steps, after: str, machine: Machine) -> str:
    """Lower a block from its end; return the state where it begins."""
    for step in reversed(steps):
        after = _step(step, after, machine)
    return after


def _step(step: model.Step, after: str, machine: Machine) -> str:
    match step:
        case model.Send(channel=channel, message=message, parameters=parameters):
            effect = pg.SendEffect(channel=channel, message=message, parameters=parameters)
            return _act(step, effect, after, machine)
        case model.Act(effect=effect):
            return _act(step, effect, after, machine)
        case model.Wait():
            return _wait(step, after, machine)
        case model.Choose():
            otherwise = lower_steps(step.otherwise, after, machine)
            arms = [(a.guard, lower_steps(a.steps, after, machine)) for a in step.arms]
            branches = tuple(pg.Branch(guard=g, target=t) for g, t in arms)
            return machine.add(
                pg.Decide(
                    id=step.name,
                    step=step.name,
                    place=place(step.span),
                    branches=branches,
                    otherwise=otherwise,
                )
            )
        case model.End():
            return machine.add(
                pg.End(id=step.name, step=step.name, place=place(step.span), outcome=step.outcome)
            )


def _act(step: model.Step, effect: pg.Effect, after: str, machine: Machine) -> str:
    where = place(step.span)
    return machine.add(
        pg.Act(id=step.name, step=step.name, place=where, effect=effect, target=after)
    )


def _wait(step: model.Wait, after: str, machine: Machine) -> str:
    timeout = gate(lower_steps(step.otherwise, after, machine), machine)
    awaits = tuple(
        pg.Await(
            event=arm.event,
            of=arm.of,
            where=arm.where,
            target=gate(lower_steps(arm.steps, after, machine), machine),
        )
        for arm in step.arms
    )
    return machine.add(
        pg.Rest(
            id=step.name,
            step=step.name,
            place=place(step.span),
            timer=step.timer,
            awaits=awaits,
            timeout=timeout,
        )
    )
