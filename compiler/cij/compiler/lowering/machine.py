"""The states of one journey while they are made."""

from dataclasses import dataclass, field

from cij.compiler import model, program as pg


@dataclass(slots=True)
class Machine:
    """The states of one journey, in the order in which they were made; last step first.

    `units` has the unit of each step by its name (see `iterations`); it is empty where there are no loops.
    `starts` has the state where each step begins.
    """

    source: model.Journey
    units: dict[str, int]
    states: dict[str, pg.State] = field(default_factory=dict)
    starts: dict[str, str] = field(default_factory=dict)

    def add(self, state: pg.State) -> str:
        """Keep a state and return its id."""
        assert state.id not in self.states, f"two states are called {state.id}"
        self.states[state.id] = state
        return state.id
