"""One effect in one region: who comes by it, and in which turn of the loops around it."""

from dataclasses import dataclass

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql.condition import Scope, column
from cij.compiler.sql.plan.context import Context, in_numbers, text
from cij.compiler.sql.plan.loops import turn_after
from cij.compiler.sql.plan.regions import Turns


@dataclass(frozen=True, slots=True)
class Site:
    """The rows of `moving`, as `m`, that come by `state` on their way to one of the `leaves`."""

    state: pg.Act
    leaves: list[int]
    turns: Turns
    context: Context

    @property
    def comes_by(self) -> exp.Expr:
        """The condition that a row of `moving` comes by."""
        return in_numbers(exp.column("leaf", "m", quoted=True), self.leaves)

    @property
    def key(self) -> exp.Expr:
        """The key of the effect (S19)."""
        passage = column("m", "passage")
        return self.context.key(self.state.step, passage, self.turn, "m")

    @property
    def turn(self) -> exp.Expr:
        """The turn in which the effect happens."""
        return turn_after(column("m", "turn"), self.turns)

    @property
    def scope(self) -> Scope:
        """The scope of the effect's values: the customer is `c`, the passage `m`."""
        return self.context.scope_of("m", self.turn)

    @property
    def step(self) -> exp.Expr:
        return text(self.state.step)
