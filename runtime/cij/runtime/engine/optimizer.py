"""The optimizer of an engine: it rewrites statements by facts about the store, and binds
parameters.

    statement --passes (cij.compiler.sql.passes)--> the statement that runs, or nothing to run

A fact holds until the engine writes, because one process owns the store and all its statements run
through its engine. An engine whose store is shared with other processes has no optimizer.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from cij.compiler.sql import Statement
from cij.compiler.sql.passes import PASSES, Facts, Pass, rewrite
from cij.compiler.sql.passes.inline_instants import is_instant, parameter
from cij.compiler.sql.passes.one_instant import AS_OF
from cij.runtime.engine.protocol import Instants, Parameters

# The most zones whose instants are bound as parameters. With more zones the `CASE` over them takes
# longer than a lookup.
_ZONES_MAX = 4


class Optimizer:
    """The facts about one store for the passes. `is_empty` asks the engine about a table."""

    def __init__(self, is_empty: Callable[[str], bool], passes: tuple[Pass, ...] = PASSES) -> None:
        self._passes, self._facts = passes, Facts(is_empty)
        self._instants: Parameters = {}
        self._own: datetime | None = None

    def rewrite(self, statement: Statement, rows: int = 0) -> Statement | None:
        """Return the statement to run instead of `statement`; None where it would change nothing.

        `rows` is the approximate number of customers that it is for; 0 where it is unknown.
        """
        facts = replace(self._facts, rows=rows) if rows else self._facts
        return rewrite(statement, facts, self._passes)

    def bind(self, statement: Statement, parameters: Parameters) -> Parameters:
        """Return the parameters that a statement names. Raises KeyError where one is missing."""
        return {name: self._bound(name, parameters) for name in statement.parameters}

    def _bound(self, name: str, parameters: Parameters) -> object:
        if is_instant(name):
            return self._instants.get(name)
        return self._own if name == AS_OF else parameters[name]

    def bind_own_instant(self, at: datetime | None) -> None:
        """Bind the own instant of all rows that statements move from now on (S12).

        None where rows have different ones. With None no calendar instant stays bound.
        """
        self.forget_instants()
        has_pass = any(each.name == "one_instant" for each in self._passes)
        self._facts = replace(self._facts, has_one_instant=has_pass and at is not None)
        self._own = at

    def bind_instants(self, instants: Mapping[str, Instants], *, is_one_zone: bool) -> bool:
        """Bind calendar instants as parameters from now on.

        `instants` has those that count from `now` and from `as_of`, by zone and name. `is_one_zone`
        tells that all customers are in the only zone. Return False and do nothing where statements
        have to read the table `moment`: there are many zones, or a pass is off.
        """
        zones = tuple(instants["now"])
        is_off = not any(each.name == "inline_instants" for each in self._passes)
        if len(zones) > _ZONES_MAX or is_off or not self._facts.has_one_instant:
            return False
        assert len(zones) == 1 or not is_one_zone, "everybody is in one zone"
        self._instants = {
            parameter(as_of, n, name): at
            for as_of, by_zone in instants.items()
            for n, zone in enumerate(by_zone.values())
            for name, at in zone.items()
        }
        self._facts = replace(self._facts, zones=zones, is_one_zone=is_one_zone)
        return True

    def forget_instants(self) -> None:
        """Make statements read the table `moment` again."""
        self._facts, self._instants = replace(self._facts, zones=None, is_one_zone=False), {}
