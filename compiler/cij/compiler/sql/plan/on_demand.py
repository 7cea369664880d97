"""Parts of a plan that are made on first use.

A project may have a thousand journeys, and a tick moves passages in few of them. Making all
statements at the start would take longer than the ticks.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

Part = TypeVar("Part")


class OnDemand(Mapping[str, Part]):
    """A mapping whose keys are known at once, and whose values are made on first use and
    then kept."""

    def __init__(self, names: Iterable[str], make: Callable[[str], Part]) -> None:
        self._names = dict.fromkeys(names)
        self._make = make
        self._made: dict[str, Part] = {}

    def __getitem__(self, name: str) -> Part:
        if name not in self._made:
            if name not in self._names:
                raise KeyError(name)
            self._made[name] = self._make(name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
