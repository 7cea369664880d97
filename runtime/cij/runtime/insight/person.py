"""Which customer a text means, and what was running for them."""

from dataclasses import dataclass, field

from cij.compiler.addresses import canonical
from cij.compiler.program import Journey, Program, from_json
from cij.compiler.sql import canonical_addresses, insight
from cij.compiler.sql.plan.governing import knows
from cij.runtime.engine import Engine
from cij.runtime.store import journeys


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer that is meant, and by what: `id`, `email`, or a key such as `shop:17`."""

    id: str
    how: str


def find(engine: Engine, program: Program, text: str) -> list[Candidate]:
    """Return whom a text means: nobody, one, or several who share a key or an address."""
    forms = {f: canonical(f, text, program.region) for f in canonical_addresses.fields_of(program)}
    found = [Candidate(*row) for row in engine.rows(insight.who(program), {"who": text, **forms})]
    exact = [c for c in found if c.how == "id"]
    return exact or found


def deployed(engine: Engine) -> Program | None:
    """Return the program that ran here last; None where nothing ever ran."""
    if not engine.columns_of("program"):
        return None
    found = engine.rows(journeys.NEWEST_PROGRAM)
    return from_json(found[0][0]) if found else None


@dataclass(slots=True)
class Versions:
    """Journeys by name and version, read from the store as they are asked for."""

    engine: Engine
    newest: Program
    _found: dict[tuple[str, str], tuple[Journey, Program]] = field(default_factory=dict)
    _are_all_read: bool = False

    def __post_init__(self) -> None:
        self._add(self.newest)

    def of(self, journey: str, version: str) -> tuple[Journey, Program]:
        """Return a version of a journey and the program that it was part of."""
        if (journey, version) not in self._found:
            self._add_all()
        return self._found[journey, version]

    def that_knows(self, state: str, journey: str, version: str) -> tuple[Journey, Program] | None:
        """Return a version in which somebody stood at a state: that one, else another, for they may have
        been taken over from it; None where none has the state.
        """
        first = self.of(journey, version)
        if knows(first[0], state):
            return first
        self._add_all()
        others = [found for (name, _), found in self._found.items() if name == journey]
        return next((found for found in others if knows(found[0], state)), None)

    def _add_all(self) -> None:
        """Read the programs of before, once."""
        for (text,) in () if self._are_all_read else self.engine.rows(journeys.PROGRAMS):
            self._add(from_json(text))
        self._are_all_read = True

    def _add(self, program: Program) -> None:
        for journey in program.journeys:
            self._found.setdefault((journey.name, journey.version), (journey, program))
