"""Declarations and files."""

from dataclasses import dataclass, field
from typing import Union

from cij.grammar.span import Span
from cij.grammar.syntax.expressions import Path, Text
from cij.grammar.syntax.headers import Header
from cij.grammar.syntax.nodes import Name, Node
from cij.grammar.syntax.rules import Rule, Statement
from cij.grammar.syntax.settings import Item
from cij.grammar.syntax.steps import Steps

__all__ = [
    "Declaration",
    "File",
    "Fragment",
    "Journey",
    "Policy",
    "Test",
    "TopLevel",
    "Use",
]


@dataclass(frozen=True, slots=True)
class Use(Node):
    """`use std.retail`."""

    module: Path


@dataclass(frozen=True, slots=True)
class Declaration(Node):
    """A declaration whose body is settings and blocks.

    `kind` is source, profile, entity, event, enrich, measure, predict, score, segment, lifecycle,
    topic, message, action or export. Only a message has a `channel`. `doc` is the comment directly
    above, without `#`.
    """

    kind: Name
    channel: Name | None
    name: Name
    items: tuple[Item, ...]
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Journey(Node):
    name: Name
    headers: tuple[Header, ...]
    steps: Steps
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Fragment(Node):
    """`fragment NAME(a, b) {…}`: reusable steps with parameters."""

    name: Name
    parameters: tuple[Name, ...]
    steps: Steps
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Policy(Node):
    name: Name
    rules: tuple[Rule, ...]
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Test(Node):
    """`test "…" for JOURNEY {…}`."""

    title: Text
    subject: Name
    statements: tuple[Statement, ...]
    doc: str = field(default="", compare=False)


TopLevel = Union[Use, Declaration, Journey, Fragment, Policy, Test]


@dataclass(frozen=True, slots=True)
class File(Node):
    """One `.journey` file.

    `damaged` are the spans of declarations with syntax errors. They may lack parts, and may contain
    inserted parts. `lost` are the names of these declarations and all names near the mistakes,
    since any of them may be declared there.
    """

    declarations: tuple[TopLevel, ...]
    damaged: tuple[Span, ...] = field(default=(), compare=False, repr=False)
    lost: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
