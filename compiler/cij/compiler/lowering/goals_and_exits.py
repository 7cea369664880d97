"""Goals and exits: the ends they lead to, and where conditions are tested (S8)."""

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.lowering.machine import Machine
from cij.compiler.model import place
from cij.compiler.types import DATETIME


def lower_goal(goal: model.Goal, machine: Machine) -> pg.Goal:
    target = None
    if not goal.is_stay:
        id = f"goal:{goal.name}"
        target = machine.add(
            pg.EndState(id=id, step=id, place=place(goal.span), outcome="converted", cause="goal")
        )
    return pg.Goal(
        name=goal.name,
        event=goal.event,
        where=goal.where,
        condition=goal.condition,
        within=goal.within,
        target=target,
        place=place(goal.span),
    )


def _exit_state(exit: model.Exit, machine: Machine) -> str:
    """Return the name of the end of an exit; of several with one name, the later have a number."""
    exits = machine.source.exits
    place = next(n for n, other in enumerate(exits) if other is exit)
    is_first = all(other.name != exit.name for other in exits[:place])
    return f"exit:{exit.name}" + ("" if is_first else f" #{place + 1}")


def lower_exit(exit: model.Exit, machine: Machine) -> pg.Exit:
    id = _exit_state(exit, machine)
    target = machine.add(
        pg.EndState(id=id, step=id, place=place(exit.span), outcome=exit.name, cause="exit")
    )
    return pg.Exit(
        name=exit.name,
        event=exit.event,
        where=exit.where,
        condition=exit.condition,
        target=target,
        place=place(exit.span),
    )


def _in_time(goal: model.Goal) -> ex.Expression | None:
    """Return the condition of a goal, with that of its window."""
    if goal.condition is None or goal.within is None:
        return goal.condition
    end = ex.Arithmetic(type=DATETIME, operator="+", left=ex.EnteredAt(), right=goal.within)
    return ex.And(items=(goal.condition, ex.Compare(operator="<=", left=ex.Now(), right=end)))


def gate(target: str, machine: Machine) -> str:
    """Return the state in front of `target` that tests goals and exits by condition (S8).

    The goal counts first where both hold.
    """
    source = machine.source
    tests = [(f"goal:{g.name}", _in_time(g)) for g in source.goals if not g.is_stay]
    tests += [(_exit_state(e, machine), e.condition) for e in source.exits]
    branches = tuple(pg.Branch(guard=c, target=id) for id, c in tests if c is not None)
    id = f"gate:{target}"
    if not branches or id in machine.states:
        return id if branches else target
    return machine.add(
        pg.DecideState(
            id=id,
            step=id,
            is_hidden=True,
            place=place(source.span),
            branches=branches,
            otherwise=target,
        )
    )
