"""Model to program: journeys become state machines; everything gets its version."""

from dataclasses import dataclass, field
from typing import Literal, cast

from pydantic import BaseModel

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.model import Model, place
from cij.compiler.parts import parts
from cij.compiler.verify import verify


def lower(source: Model) -> pg.Program:
    """Return the program of a model without mistakes. Asserts what every pass must keep."""
    assert source.profile is not None, "a program has a profile"
    journeys = tuple(_versioned(_journey(j), source) for j in source.journeys.values())
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
        journeys=journeys,
    )
    return program.model_copy(update={"hash": _program_hash(program)})


def _program_hash(program: pg.Program) -> str:
    # Versions are left out of every hash, and they follow from what is in it.
    return pg.content_hash(program)


# --- states -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Machine:
    """The states of one journey, in the order in which they were made; last step first."""

    source: model.Journey
    states: dict[str, pg.State] = field(default_factory=dict)

    def add(self, state: pg.State) -> str:
        assert state.id not in self.states, f"two states are called {state.id}"
        self.states[state.id] = state
        return state.id


def _journey(source: model.Journey) -> pg.Journey:
    machine = _Machine(source)
    goals = tuple(_goal(goal, machine) for goal in source.goals)
    exits = tuple(_exit(exit, machine) for exit in source.exits)
    done = pg.End(id="completed", step="completed", place=place(source.span), outcome="completed")
    if _needs_end(source.steps):
        machine.add(done)
    start = _gate(_steps(source.steps, done.id, machine), machine)
    return pg.Journey(
        name=source.name,
        version="",
        doc=source.doc,
        entries=source.entries,
        again=cast(Literal["never", "always", "after"], source.again),
        again_after=source.again_after,
        per=source.per,
        suppress=source.suppress,
        holdout=source.holdout,
        language=source.language,
        timezone=source.timezone,
        goals=goals,
        exits=exits,
        start=start,
        states=tuple(reversed(machine.states.values())),
        place=place(source.span),
    )


def _needs_end(steps: model.Steps) -> bool:
    """Tell whether somebody comes to the end of a block of steps."""
    if not steps:
        return True
    match steps[-1]:
        case model.End():
            return False
        case model.Choose(arms=arms, otherwise=otherwise):
            return _needs_end(otherwise) or any(_needs_end(a.steps) for a in arms)
        case model.Wait(arms=arms, otherwise=otherwise):
            return _needs_end(otherwise) or any(_needs_end(a.steps) for a in arms)
    return True


def _steps(steps: model.Steps, after: str, machine: _Machine) -> str:
    """Lower a block from its end; return the state where it begins."""
    for step in reversed(steps):
        after = _step(step, after, machine)
    return after


def _step(step: model.Step, after: str, machine: _Machine) -> str:
    match step:
        case model.Send():
            effect = pg.SendEffect(
                channel=step.channel, message=step.message, parameters=step.parameters
            )
            return machine.add(
                pg.Act(
                    id=step.name,
                    step=step.name,
                    place=place(step.span),
                    effect=effect,
                    target=after,
                )
            )
        case model.Wait():
            return _wait(step, after, machine)
        case model.Choose():
            otherwise = _steps(step.otherwise, after, machine)
            arms = [(a.guard, _steps(a.steps, after, machine)) for a in step.arms]
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


def _wait(step: model.Wait, after: str, machine: _Machine) -> str:
    timeout = _gate(_steps(step.otherwise, after, machine), machine)
    awaits = tuple(
        pg.Await(
            event=arm.event,
            of=arm.of,
            where=arm.where,
            target=_gate(_steps(arm.steps, after, machine), machine),
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


# --- goals and exits --------------------------------------------------------------------------


def _goal(goal: model.Goal, machine: _Machine) -> pg.Goal:
    target = None
    if not goal.is_stay:
        id = f"goal:{goal.name}"
        target = machine.add(
            pg.End(id=id, step=id, place=place(goal.span), outcome="converted", cause="goal")
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


def _exit(exit: model.Exit, machine: _Machine) -> pg.Exit:
    id = f"exit:{exit.name}"
    if id in machine.states:
        id = f"{id} #{len(machine.states)}"
    target = machine.add(
        pg.End(id=id, step=id, place=place(exit.span), outcome=exit.name, cause="exit")
    )
    return pg.Exit(
        name=exit.name,
        event=exit.event,
        where=exit.where,
        condition=exit.condition,
        target=target,
        place=place(exit.span),
    )


def _gate(target: str, machine: _Machine) -> str:
    """Return the state in front of `target` that tests goals and exits by condition (S8).

    The goal counts first where both hold.
    """
    source = machine.source
    tests = [(f"goal:{g.name}", g.condition) for g in source.goals]
    tests += [(f"exit:{e.name}", e.condition) for e in source.exits]
    branches = tuple(pg.Branch(guard=c, target=id) for id, c in tests if c is not None)
    id = f"gate:{target}"
    if not branches or id in machine.states:
        return id if branches else target
    return machine.add(
        pg.Decide(id=id, step=id, place=place(source.span), branches=branches, otherwise=target)
    )


# --- versions ---------------------------------------------------------------------------------


def _versioned(journey: pg.Journey, source: Model) -> pg.Journey:
    """Set the content hash of the journey with all it refers to (S21)."""
    referred: dict[str, BaseModel] = {}
    _collect(journey, source, referred)
    version = pg.content_hash([journey, [referred[key] for key in sorted(referred)]])
    return journey.model_copy(update={"version": version})


def _collect(part: BaseModel, source: Model, referred: dict[str, BaseModel]) -> None:
    for inner in parts(part):
        for key, target in _references(inner, source):
            if key not in referred and target is not None:
                referred[key] = target
                _collect(target, source, referred)


def _references(part: BaseModel, source: Model) -> list[tuple[str, BaseModel | None]]:
    match part:
        case pg.SendEffect(message=name):
            return [(f"message {name}", source.messages.get(name))]
        case pg.SegmentEntry(segment=name) | ex.Member(segment=name):
            return [(f"segment {name}", source.segments.get(name))]
        case ex.MeasureValue(measure=name):
            return [(f"measure {name}", source.measures.get(name))]
        case pg.EventEntry(event=name) | pg.Await(event=name) | ex.Aggregate(event=name):
            return [(f"event {name}", source.events.get(name))]
    return []
