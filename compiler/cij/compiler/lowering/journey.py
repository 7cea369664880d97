"""A journey becomes a state machine."""

from cij.compiler import model, program as pg
from cij.compiler.iterations import iterations_of, units
from cij.compiler.lowering.changes import lower_removed
from cij.compiler.lowering.goals_and_exits import gate, lower_exit, lower_goal
from cij.compiler.lowering.kept import with_kept
from cij.compiler.lowering.machine import Machine
from cij.compiler.lowering.steps import lower_steps
from cij.compiler.model import Model, place


def lower_journey(source: model.Journey, project: Model) -> pg.Journey:
    """Return the journey as a state machine. It has no version yet."""
    count = iterations_of(source.steps)
    machine = Machine(source, units(source.steps, count) if count > 1 else {})
    goals = tuple(lower_goal(goal, machine) for goal in source.goals)
    exits = tuple(lower_exit(exit, machine) for exit in source.exits)
    done = pg.EndState(
        id="completed", step="completed", place=place(source.span), outcome="completed"
    )
    if model.reaches_end(source.steps):
        machine.add(done)
    start = gate(lower_steps(source.steps, done.id, machine), machine)
    head = source.head.model_copy(update={"removed": lower_removed(source, machine)})
    return with_kept(
        pg.Journey(
            **dict(head),
            goals=goals,
            exits=exits,
            start=start,
            states=tuple(reversed(machine.states.values())),
            place=place(source.span),
        )
    )
