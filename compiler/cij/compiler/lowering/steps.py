"""Steps to states."""

from cij.compiler import model, program as pg
from cij.compiler.lowering.goals_and_exits import gate
from cij.compiler.lowering.loops import loop_head, lower_loop, tail_of
from cij.compiler.lowering.machine import Machine
from cij.compiler.model import place


def lower_steps(steps: model.Steps, after: str, machine: Machine) -> str:
    """Lower a block from its end; return the state where it begins."""
    for step in reversed(steps):
        after = machine.starts[step.name] = _step(step, after, machine)
    return after


def _step(step: model.Step, after: str, machine: Machine) -> str:
    match step:
        case model.Send(channel=channel, message=message, parameters=parameters):
            effect = pg.SendEffect(channel=channel, message=message, parameters=parameters)
            return _act(step, effect, after, machine, id=step.id)
        case model.Act(effect=effect, is_hidden=is_hidden):
            return _act(step, effect, after, machine, is_hidden=is_hidden)
        case model.Wait():
            return _wait(step, after, machine)
        case model.Choose():
            return _choose(step, after, machine)
        case model.Repeat():
            return _repeat(step, after, machine)
        case model.Group():
            return lower_steps(step.steps, after, machine)
        case model.End():
            return machine.add(
                pg.EndState(
                    id=step.name, step=step.name, place=place(step.span), outcome=step.outcome
                )
            )


def _act(
    step: model.Step,
    effect: pg.Effect,
    after: str,
    machine: Machine,
    *,
    id: str = "",
    is_hidden: bool = False,
) -> str:
    return machine.add(
        pg.ActState(
            id=id or step.name,
            step=step.name,
            is_hidden=is_hidden,
            place=place(step.span),
            effect=effect,
            target=after,
        )
    )


def _repeat(step: model.Repeat, after: str, machine: Machine) -> str:
    if step.times == 1:
        body = lower_steps(step.steps, after, machine)
        return loop_head(step, body, after, machine)
    body = lower_steps(step.steps, tail_of(step), machine)
    return lower_loop(step, body, after, machine)


def _choose(step: model.Choose, after: str, machine: Machine) -> str:
    otherwise = lower_steps(step.otherwise, after, machine)
    arms = [(a.guard, lower_steps(a.steps, after, machine)) for a in step.arms]
    branches = tuple(pg.Branch(guard=g, target=t) for g, t in arms)
    return machine.add(
        pg.DecideState(
            id=step.name,
            step=step.name,
            place=place(step.span),
            branches=branches,
            otherwise=otherwise,
        )
    )


def _wait(step: model.Wait, after: str, machine: Machine) -> str:
    timeout = _arm(step.otherwise, after, machine)
    awaits = tuple(
        pg.Await(
            event=arm.event,
            of=arm.of,
            unit=machine.units.get(arm.of or "", 1),
            order=arm.order,
            where=arm.where,
            target=_arm(arm.steps, after, machine),
        )
        for arm in step.arms
    )
    conditions = tuple(
        pg.Condition(
            condition=arm.condition, order=arm.order, target=_arm(arm.steps, after, machine)
        )
        for arm in step.conditions
    )
    rest = machine.add(
        pg.WaitState(
            id=step.name,
            step=step.name,
            place=place(step.span),
            timer=step.timer,
            awaits=awaits,
            conditions=conditions,
            timeout=timeout,
        )
    )
    return _asked_first(step, conditions, rest, machine)


def _arm(steps: model.Steps, after: str, machine: Machine) -> str:
    return gate(lower_steps(steps, after, machine), machine)


def _asked_first(
    step: model.Wait, conditions: tuple[pg.Condition, ...], rest: str, machine: Machine
) -> str:
    """Return the state in front of a rest that tests what may hold already, or the rest."""
    if not conditions:
        return rest
    return machine.add(
        pg.DecideState(
            id=f"{step.name}:holds",
            step=step.name,
            is_hidden=True,
            place=place(step.span),
            branches=tuple(pg.Branch(guard=c.condition, target=c.target) for c in conditions),
            otherwise=rest,
        )
    )
