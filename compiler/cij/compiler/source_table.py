"""A table from outside, as the program describes it."""

from typing import Annotated

from pydantic import AfterValidator

from cij.compiler.base_node import BaseNode, Place
from cij.compiler.expression import Expression
from cij.compiler.source_kinds import known_source_kind
from cij.compiler.types import Type


class SourceColumn(BaseNode):
    """`separator` stands between the items of a list; without it a list is a JSON array.

    `written` is its name in the source, where that is another one. Inside of what nests, both are a path
    with points between the names.
    """

    name: str
    type: Type
    is_nullable: bool = True
    separator: str | None = None
    written: str | None = None

    @property
    def outside(self) -> str:
        """Its name in the source."""
        return self.name if self.written is None else self.written


class Source(BaseNode):
    """A table from outside. `settings` hold what the kind needs: path, table, delimiter …
    Several texts of one setting are lines of one text.

    `tolerate` is the share of rows that may be bad before a refresh fails, as decimal text (S24).
    `timezone` is the zone of local times without an offset. `personal` are columns that hold what
    identifies people, besides those whose name says so.
    """

    name: str
    kind: Annotated[str, AfterValidator(known_source_kind)]
    settings: dict[str, str]
    key: str
    columns: tuple[SourceColumn, ...]
    where: Expression | None = None
    tolerate: str = "0.01"
    timezone: str
    personal: tuple[str, ...] = ()
    place: Place
