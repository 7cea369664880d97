"""Model to program: journeys become state machines; everything gets its version."""

from cij.compiler import model, program as pg
from cij.compiler.iterations import iterations_of, units
from cij.compiler.lowering.changes import lower_removed
from cij.compiler.lowering.kept import with_kept
from cij.compiler.lowering.machine import Machine
from cij.compiler.lowering.rules import gate, lower_exit, lower_goal
from cij.compiler.lowering.steps import lower_steps
from cij.compiler.lowering.versions import versioned
from cij.compiler.model import Model, place
from cij.compiler.verify import verify


def lower(source: Model) -> pg.Program:
    """Return the program of a model without mistakes. Asserts what every pass must keep."""
    assert source.profile is not None, "a program has a profile"
    journeys = tuple(versioned(_journey(j), source) for j in source.journeys.values())
    for journey in journeys:
        verify(journey)
    program = pg.Program(
        project=source.settings.name,
        timezone=source.settings.timezone,
        sources=tuple(source.sources.values()),
        profile=source.profile,
        events=tuple(source.events.values()),
        measures=tuple(source.measures.values()),
        segments=tuple(source.segments.values()),
        topics=tuple(source.topics.values()),
        messages=tuple(source.messages.values()),
        actions=tuple(source.actions.values()),
        journeys=journeys,
        entities=tuple(source.entities.values()),
        policies=tuple(source.policies.values()),
    )
    return program.model_copy(update={"hash": _program_hash(program)})


def _program_hash(program: pg.Program) -> str:
    # Versions are left out of every hash, and they follow from what is in it.
    return pg.content_hash(program)


def _journey(source: model.Journey) -> pg.Journey:
    turns = iterations_of(source.steps)
    machine = Machine(source, units(source.steps, turns) if turns > 1 else {})
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
