"""The invariants of a state machine. A failure is a bug of the compiler, never of the author."""

from cij.compiler import program as pg


def verify(journey: pg.Journey) -> None:
    """Assert that every target exists, every state can be reached, and every circle has a wait."""
    states = {s.id: s for s in journey.states}
    assert len(states) == len(journey.states), f"{journey.name}: two states share an id"
    assert journey.start in states, f"{journey.name}: no start state"
    for state in journey.states:
        for target in targets(state):
            assert target in states, (
                f"{journey.name}: {state.id} leads to {target}, which is nowhere"
            )
    _verify_reached(journey, states)
    _verify_no_instant_circle(journey, states)


def targets(state: pg.State) -> tuple[str, ...]:
    """Return where a state leads to, in the order of the program."""
    match state:
        case pg.WaitState():
            return (
                *(a.target for a in state.awaits),
                *(c.target for c in state.conditions),
                state.timeout,
            )
        case pg.DecideState():
            return (*(b.target for b in state.branches), state.otherwise)
        case pg.ActState():
            return (state.target,)
    return ()


def _verify_reached(journey: pg.Journey, states: dict[str, pg.State]) -> None:
    asides = [g.target for g in journey.goals if g.target] + [e.target for e in journey.exits]
    asides += [r.target for r in journey.removed if r.target is not None]
    reached: set[str] = set()
    todo = [journey.start, *asides]
    while todo:
        id = todo.pop()
        if id not in reached:
            reached.add(id)
            todo += targets(states[id])
    lost = [id for id in states if id not in reached]
    assert not lost, f"{journey.name}: nothing leads to {lost}"


def _verify_no_instant_circle(journey: pg.Journey, states: dict[str, pg.State]) -> None:
    finished: set[str] = set()
    for root in states:
        path: list[str] = []
        _walk(root, path, finished, journey, states)


def _walk(
    id: str, path: list[str], finished: set[str], journey: pg.Journey, states: dict[str, pg.State]
) -> None:
    if id in finished:
        return
    assert id not in path, f"{journey.name}: {id} comes back to itself without a wait"
    path.append(id)
    if not isinstance(states[id], pg.WaitState):
        for target in targets(states[id]):
            _walk(target, path, finished, journey, states)
    path.pop()
    finished.add(id)
