"""One effect in one region: which passages visit it, and in which iteration of the loops
around it."""

from dataclasses import dataclass, replace

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql import outbox
from cij.compiler.sql.condition import Scope, column
from cij.compiler.sql.plan.context import Context, in_numbers, text
from cij.compiler.sql.plan.loops import turn_after
from cij.compiler.sql.plan.regions import Turns
from cij.compiler.sql.template import fill

# An outer join: where the effect is missing the insert fails on a null. An inner join would drop
# the rows without an error.
_EFFECT = """
SELECT 1 FROM x LEFT JOIN name AS l ON l.id = {version}
LEFT JOIN effect AS e ON e.version = l.text AND e.step = {step}
  AND e.channel = {channel} AND e.message = {message} AND e.content = {content}
"""


@dataclass(frozen=True, slots=True)
class Site:
    """The rows of `tick_batch`, as `m`, that visit `state` on a path to one of the `leaves`.

    `real` are the leaves on whose path something was sent or done before. One region may visit a state in
    several iterations. Each is a site of its own, because the
    iteration is part of the key.
    """

    state: pg.ActState
    leaves: list[int]
    turns: Turns
    context: Context
    real: list[int]

    @property
    def comes_by(self) -> exp.Expr:
        """The condition that a row of `tick_batch` visits the state."""
        return in_numbers(exp.column("leaf", "m", quoted=True), self.leaves)

    @property
    def key(self) -> exp.Expr:
        """The key of the effect (S19)."""
        passage = column("m", "passage")
        return self.context.key(self.state.step, passage, self.turn, "m")

    @property
    def turn(self) -> exp.Expr:
        """The iteration in which the effect happens."""
        return turn_after(column("m", "turn"), self.turns)

    @property
    def scope(self) -> Scope:
        """The scope of the effect's values: the customer is `c`, the passage `m`.

        What is sent or done is computed at the real instant, anything else at that of the passage (S12).
        """
        scope = self.context.scope_of("m", self.turn)
        is_real = isinstance(self.state.effect, (pg.SendEffect, pg.DoEffect))
        return scope if is_real else replace(scope, instant=self.instant)

    @property
    def instant(self) -> exp.Expr:
        """The instant at which the passage visits the state: its own one, or the real one after something
        was sent or done on the path."""
        own = exp.column("as_of", "m", quoted=True)
        if not self.real:
            return own
        if len(self.real) == len(self.leaves):
            return fill("$now")
        is_real = in_numbers(exp.column("leaf", "m", quoted=True), self.real)
        return fill("CASE WHEN {real} THEN $now ELSE {own} END", real=is_real, own=own)

    @property
    def effect(self) -> exp.Expr:
        """The number of the row of `effect`.

        In shared statements `with_effect` has to join that row.
        """
        if self.context.is_shared:
            return column("e", "id")
        written = self._written
        number = exp.convert(written.id)
        # A reader of `cij sql` cannot interpret a bare number.
        number.add_comments([f"{written.step}: {written.channel} {written.message}"])
        return number

    def with_effect(self, rows: exp.Expr, row: str) -> exp.Expr:
        """Join the effect of the version of `row` to `rows`, where journeys share a statement."""
        if self.context.is_shared:
            written = self._written
            join = fill(
                _EFFECT,
                version=column(row, "version"),
                step=text(written.step),
                channel=text(written.channel),
                message=text(written.message),
                content=text(written.content),
            )
            for each in join.args["joins"]:
                rows.append("joins", each.copy())
        return rows

    @property
    def _written(self) -> outbox.Effect:
        found = outbox.effect_of(self.state, self.context.journey, self.context.program)
        assert found is not None, f"{self.state.id} writes nothing into the outbox"
        return found
