"""The customer that a text identifies, and the programs that ran for them."""

from dataclasses import dataclass, field

from cij.compiler.addresses import canonical
from cij.compiler.program import Journey, Program, from_json
from cij.compiler.sql import canonical_addresses, insight
from cij.compiler.sql.plan.governing import knows
from cij.runtime.engine import Engine
from cij.runtime.errors import storable
from cij.runtime.store import journeys


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer that a text may identify. `how` is `id`, `email`, or a key such as `shop:17`."""

    id: str
    how: str


def find(engine: Engine, program: Program, text: str) -> list[Candidate]:
    """Return the customers that a text identifies. Several may share a key or an address.

    An exact id excludes other matches, so that an ambiguous customer can be named by id.
    """
    # A shell may hand over bytes that are no text.
    text = storable(text)
    forms = {f: canonical(f, text, program.region) for f in canonical_addresses.fields_of(program)}
    found = [Candidate(*row) for row in engine.rows(insight.who(program), {"who": text, **forms})]
    exact = [c for c in found if c.how == "id"]
    return exact or found


def deployed(engine: Engine) -> Program | None:
    """Return the program that was deployed last in this store; None where none was."""
    if not engine.columns_of("program"):
        return None
    found = engine.rows(journeys.NEWEST_PROGRAM)
    return from_json(found[0][0]) if found else None


@dataclass(slots=True)
class Versions:
    """Journeys by name and version.

    Older programs are read from the store when they are first needed.
    """

    engine: Engine
    newest: Program
    _found: dict[tuple[str, str], tuple[Journey, Program]] = field(default_factory=dict)
    _are_all_read: bool = False

    def __post_init__(self) -> None:
        self._add(self.newest)

    def of(self, journey: str, version: str) -> tuple[Journey, Program]:
        """Return a version of a journey and its program.

        A version that is unknown is a KeyError.
        """
        if (journey, version) not in self._found:
            self._add_all()
        return self._found[journey, version]

    def that_knows(self, state: str, journey: str, version: str) -> tuple[Journey, Program] | None:
        """Return the version of a journey that has a state: the given one, else another.

        A passage may have changed its version (S21), so its history may have states of an older
        one. None where no version has the state.
        """
        first = self.of(journey, version)
        if knows(first[0], state):
            return first
        self._add_all()
        others = [found for (name, _), found in self._found.items() if name == journey]
        return next((found for found in others if knows(found[0], state)), None)

    def _add_all(self) -> None:
        """Read all older programs, once."""
        for (text,) in () if self._are_all_read else self.engine.rows(journeys.PROGRAMS):
            self._add(from_json(text))
        self._are_all_read = True

    def _add(self, program: Program) -> None:
        for journey in program.journeys:
            # The newest program is added first, so it wins for versions that several programs
            # share.
            self._found.setdefault((journey.name, journey.version), (journey, program))
