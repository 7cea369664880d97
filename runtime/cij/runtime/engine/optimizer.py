"""The optimizer of an engine: it rewrites statements by facts about the store, and binds
parameters.

    statement --passes (cij.compiler.sql.passes)--> the statement that runs, or nothing to run

A fact holds until the engine writes, because one process owns the store and all its statements run
through its engine. An engine whose store is shared with other processes has no optimizer.
"""

from collections.abc import Callable
from dataclasses import replace

from cij.compiler.sql import Statement
from cij.compiler.sql.passes import PASSES, Facts, Pass, rewrite
from cij.compiler.sql.passes.inline_instants import is_instant, parameter
from cij.runtime.engine.protocol import Instants, Parameters

# The most zones whose instants are bound as parameters. With more zones the `CASE` over them takes
# longer than a lookup.
_ZONES_MAX = 4


class Optimizer:
    """The facts about one store for the passes. `is_empty` asks the engine about a table."""

    def __init__(self, is_empty: Callable[[str], bool], passes: tuple[Pass, ...] = PASSES) -> None:
        self._passes, self._facts = passes, Facts(is_empty)
        self._instants: Parameters = {}

    def rewrite(self, statement: Statement, rows: int = 0) -> Statement | None:
        """Return the statement to run instead of `statement`; None where it would change nothing.

        `rows` is the approximate number of customers that it is for; 0 where it is unknown.
        """
        facts = replace(self._facts, rows=rows) if rows else self._facts
        return rewrite(statement, facts, self._passes)

    def bind(self, statement: Statement, parameters: Parameters) -> Parameters:
        """Return the parameters that a statement names. Raises KeyError where one is missing."""
        return {
            name: self._instants.get(name) if is_instant(name) else parameters[name]
            for name in statement.parameters
        }

    def bind_instants(self, instants: Instants, *, is_one_zone: bool) -> bool:
        """Bind the calendar instants of a tick, by zone and name, as parameters from now on.

        `is_one_zone` tells that all customers are in the only zone. Return False and do nothing
        where statements have to read the table `moment`: there are many zones, or the pass is off.
        """
        if len(instants) > _ZONES_MAX or not any(p.name == "inline_instants" for p in self._passes):
            return False
        assert len(instants) == 1 or not is_one_zone, "everybody is in one zone"
        self._instants = {
            parameter(n, name): at
            for n, zone in enumerate(instants.values())
            for name, at in zone.items()
        }
        self._facts = replace(self._facts, zones=tuple(instants), is_one_zone=is_one_zone)
        return True

    def forget_instants(self) -> None:
        """Make statements read the table `moment` again."""
        self._facts, self._instants = replace(self._facts, zones=None, is_one_zone=False), {}
