"""The kinds of declaration, in the order in which they are resolved. One row each.

A later kind may use what an earlier one made: mappings use sources and topics, conditions use the
profile and the events, journeys use everything.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cij.compiler.build import Build
from cij.compiler.declarations import (
    action,
    entity,
    event,
    measure,
    message,
    profile,
    segment,
    source,
    topic,
)
from cij.compiler.declarations.environments import customer_environment
from cij.grammar import syntax

Define = Callable[[syntax.Declaration, Build], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """`define` adds one declaration to the model or reports its mistakes."""

    word: str
    define: Define


def _measure(node: syntax.Declaration, build: Build) -> None:
    measure.define(node.name.text, customer_environment(build))


KINDS: tuple[Kind, ...] = (
    Kind("source", source.define),
    Kind("topic", topic.define),
    Kind("entity", entity.define),
    Kind("profile", profile.define),
    Kind("event", event.define),
    Kind("action", action.define),
    Kind("measure", _measure),
    Kind("segment", segment.define),
    Kind("message", message.define),
)

# Understood by the grammar, without a meaning in this version.
LATER: tuple[str, ...] = (
    "enrich",
    "predict",
    "score",
    "lifecycle",
    "export",
)
