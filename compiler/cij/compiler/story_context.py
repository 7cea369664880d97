"""What the statements of a test share while they are resolved."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cij.compiler import program as pg
from cij.compiler.model import place
from cij.compiler.naming import near_hint
from cij.compiler.pass_state import Build
from cij.compiler.typecheck import Environment
from cij.grammar import codes, literal_values, syntax
from cij.grammar.span import Span


@dataclass(slots=True)
class Context:
    """One test while it is resolved. `journey` is None where its states cannot be known.

    `columns` has the values of the case that is resolved.
    `given` holds where each customer was given first.
    """

    build: Build
    env: Environment
    journey: pg.Journey | None
    columns: Mapping[str, syntax.Expression] = field(default_factory=dict)
    clock: syntax.Clock | None = None
    given: dict[str, Span] = field(default_factory=dict)
    has_begun: bool = False

    def line(self, node: syntax.Statement) -> dict[str, Any]:
        """Return the fields of `st.Line` of a statement."""
        span = node.span
        written = self.build.texts[span.file][span.start : span.end]
        words = " ".join(written.partition("{")[0].split())
        return {"place": place(span), "words": _COLUMN.sub(self._shown, words)}

    def _shown(self, column: re.Match[str]) -> str:
        """Return the value of a column as it is written in the table."""
        value = self.columns.get(literal_values.name(column[1]))
        if value is None:
            return column[0]
        at = value.span
        return " ".join(self.build.texts[at.file][at.start : at.end].split())


_COLUMN = re.compile(r"\bcase\.(`[^`\n]+`|\w+)")

T = TypeVar("T", bound=syntax.Node)


def filled(value: T | syntax.Path) -> T:
    """Return a value that is written in a line or was put in place of a column."""
    assert not isinstance(value, syntax.Path), "a case has values in place of its columns"
    return value


def customer_of(text: syntax.Text, context: Context) -> str:
    """Return the name of a customer; report one that was not given before."""
    name = text.value
    if name not in context.given:
        hint = near_hint(name, context.given)
        hint = hint or f'add `given customer "{name}" {{ … }}`'
        message = f'the test has no customer "{name}" so far'
        context.build.report(codes.TEST_CUSTOMER.at(text.span, message, help=hint))
    return name


def sends_of(journey: pg.Journey) -> list[tuple[str, pg.SendEffect]]:
    """Return the sends of a journey, each with the name of its step."""
    acts = [s for s in journey.states if isinstance(s, pg.ActState)]
    return [(s.step, s.effect) for s in acts if isinstance(s.effect, pg.SendEffect)]


def calls_of(journey: pg.Journey) -> list[tuple[str, pg.DoEffect]]:
    """Return the calls of a journey, each with the name of its step."""
    acts = [s for s in journey.states if isinstance(s, pg.ActState)]
    return [(s.step, s.effect) for s in acts if isinstance(s.effect, pg.DoEffect)]
