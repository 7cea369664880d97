"""What one engine knows of its store: it rewrites statements by it, and binds what they were given.

    statement --passes (cij.compiler.sql.passes)--> what runs, or nothing to run

What is known stays true until somebody writes: the process owns the store, and everything goes through
its engine. An engine that is shared with other processes has no optimizer.
"""

from collections.abc import Callable
from dataclasses import replace

from cij.compiler.sql import Statement
from cij.compiler.sql.passes import PASSES, Facts, Pass, rewrite
from cij.compiler.sql.passes.inline_instants import is_instant, parameter
from cij.runtime.engine.protocol import Instants, Parameters

# So many zones are bound as parameters; the instants of more are looked up by each statement.
_ZONES_MAX = 4


class Optimizer:
    """Keeps facts about the store for the passes. `is_empty` asks the engine about a table."""

    def __init__(self, is_empty: Callable[[str], bool], passes: tuple[Pass, ...] = PASSES) -> None:
        self._passes, self._facts = passes, Facts(is_empty)
        self._instants: Parameters = {}

    def rewrite(self, statement: Statement, rows: int = 0) -> Statement | None:
        """Return what runs in the place of a statement for about `rows` customers; None for nothing."""
        facts = replace(self._facts, rows=rows) if rows else self._facts
        return rewrite(statement, facts, self._passes)

    def bind(self, statement: Statement, parameters: Parameters) -> Parameters:
        """Return the parameters that a statement names. Raises KeyError where one is not given."""
        return {
            name: self._instants.get(name) if is_instant(name) else parameters[name]
            for name in statement.parameters
        }

    def bind_instants(self, instants: Instants, *, is_one_zone: bool) -> bool:
        """Bind the instants of a tick, by zone and name, as parameters from now on.

        `is_one_zone` tells that the only zone is that of every customer. Returns False, and does nothing,
        where statements have to look into the table `moment`: there are many zones, or no such pass.
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
        """Have statements look into the table `moment` again."""
        self._facts, self._instants = replace(self._facts, zones=None, is_one_zone=False), {}
