"""The bodies of declarations: settings, clauses and blocks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

from cij.grammar.syntax.expressions import Expression, Path, Text
from cij.grammar.syntax.nodes import Name, Node

if TYPE_CHECKING:
    # Headers are made of settings.
    from cij.grammar.syntax.headers import Schedule

__all__ = [
    "Add",
    "Block",
    "Except",
    "Item",
    "Renamed",
    "Setting",
    "Stage",
    "Where",
]


@dataclass(frozen=True, slots=True)
class Setting(Node):
    """`key = value`. The key may have dots: `consent.rewards = true`."""

    key: Path
    value: Expression


@dataclass(frozen=True, slots=True)
class Where(Node):
    """`where CONDITION`."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class Except(Node):
    """`except CONDITION`, in a segment."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class Add(Node):
    """`add 10 when CONDITION`, in a score."""

    amount: Expression
    condition: Expression


@dataclass(frozen=True, slots=True)
class Stage(Node):
    """`stage NAME when CONDITION`, in a lifecycle."""

    name: Name
    condition: Expression


@dataclass(frozen=True, slots=True)
class Renamed(Node):
    """`renamed OLD to NEW`: a step in the head of a journey, a source in a profile."""

    old: Name
    new: Name


@dataclass(frozen=True, slots=True)
class Block(Node):
    """`word argument { items }`: `fields {…}`, `from shop {…}`, `locale "en" {…}`."""

    word: Name
    argument: Name | Text | None
    items: tuple["Item", ...]


Item = Union[Setting, Where, Except, Add, Stage, Renamed, "Schedule", Block]
