"""The names in the rows of a table of cases. What a name means depends on where its column is used."""

from collections.abc import Iterator
from typing import TypeGuard

from cij.compiler.occurrences.of_steps import label, named, of_node
from cij.compiler.occurrences.place_scope import Occurrence, Scope
from cij.grammar import syntax


def of_cases(table: syntax.CaseTable, test: syntax.Test, scope: Scope) -> Iterator[Occurrence]:
    """Yield the names in the rows: messages, labels of steps, and names in other values."""
    messages, steps, outcomes = _columns_by_use(test)
    for row in table.rows:
        for column, value in zip(table.columns, row.values, strict=False):
            name = syntax.Name(value.text, span=value.span) if _is_name(value) else None
            if column.text in messages and name is not None:
                yield from named("message", name)
            elif column.text in steps and name is not None:
                yield from label(name, scope)
            elif column.text not in outcomes:
                yield from of_node(value, scope)


def _is_name(value: syntax.Expression) -> TypeGuard[syntax.Path]:
    return isinstance(value, syntax.Path) and len(value.parts) == 1


def _columns_by_use(test: syntax.Test) -> tuple[set[str], set[str], set[str]]:
    """Return the columns that hold messages, labels and outcomes."""
    messages, steps, outcomes = set[str](), set[str](), set[str]()
    for line in test.statements:
        match line:
            case syntax.ExpectSent(message=syntax.Path(parts=(_, column))):
                messages.add(column)
            case syntax.ExpectWaiting(step=syntax.Path(parts=(_, column))):
                steps.add(column)
            case syntax.ExpectEnded(outcome=syntax.Path(parts=(_, column))):
                outcomes.add(column)
    return messages, steps, outcomes
