"""The mistakes of a compilation, in the order in which they were found."""

from collections.abc import Iterable

from cij.grammar.diagnostic import Diagnostic


class MistakeList(list[Diagnostic]):
    """A list that knows what it has: a project with thousands of mistakes would compare each with each."""

    def __init__(self, found: Iterable[Diagnostic] = ()) -> None:
        super().__init__(found)
        self._known = set(self)

    def append(self, diagnostic: Diagnostic) -> None:
        super().append(diagnostic)
        self._known.add(diagnostic)

    def __contains__(self, diagnostic: object) -> bool:
        return diagnostic in self._known
