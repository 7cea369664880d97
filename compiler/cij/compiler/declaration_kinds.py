"""The kinds of declaration: one row each, in the order in which they are resolved.

A later kind may use what an earlier one made: mappings use sources and topics, conditions use the
profile and the events, journeys use everything. All that the compiler does with a kind, it finds in
this table: resolving, the model, the program, versions and `cij explain`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cij.compiler import expression as ex, program as pg
from cij.compiler.declarations import (
    action,
    entity,
    event,
    explain_journey,
    export,
    fragment,
    journey,
    measure,
    message,
    policy,
    profile,
    segment,
    source,
    topic,
)
from cij.compiler.lowering.journey import lower_journey
from cij.compiler.model import Model
from cij.compiler.pass_state import Build
from cij.grammar import syntax

# Each takes the part of the model that its own row made, so the types differ by row.
Define = Callable[[Any, Build], None]
Explain = Callable[[Any, Model], Iterable[str]]
Lower = Callable[[Any, Model], Any]


def _as_it_is(part: Any, source: Model) -> Any:
    return part


@dataclass(frozen=True, slots=True)
class DeclarationKind:
    """One kind of declaration.

    Attributes:
        word: the word that it begins with.
        collection: the field of the model and of the program that holds what was declared, by name.
        define: adds one declaration to the model, or reports its mistakes.
        check: reports mistakes that only all declarations of the kind together show.
        lower: makes the part of the program from the part of the model.
        explain: yields the lines of `cij explain`; None where a name of this kind has none.
        node: the class of its syntax tree.
        references: by each class of node that names one: how to get the name. A journey has another
            version when something changes that it refers to (S21).
        is_in_program: false for what is resolved into what uses it; neither model nor program has it.
        is_single: a project has one, and the field holds it instead of a dict.
        declares_fields: names of fields come from it, so damage to it may hide any name.
        explains_comment: the lines of `explain` contain the comment above the declaration.
    """

    word: str
    collection: str
    define: Define
    check: Callable[[Build], None] = lambda build: None
    lower: Lower = _as_it_is
    explain: Explain | None = None
    node: type[syntax.Declaration | syntax.Journey | syntax.Fragment | syntax.Policy] = (
        syntax.Declaration
    )
    references: Mapping[type, Callable[[Any], str]] = field(default_factory=dict)
    is_in_program: bool = True
    is_single: bool = False
    declares_fields: bool = False
    explains_comment: bool = False

    def written(self, build: Build) -> dict[str, Any]:
        """Return the syntax trees of this kind by name."""
        if self.node is syntax.Declaration:
            return build.declared[self.word]
        return getattr(build, self.collection)  # type: ignore[no-any-return]

    def made(self, source: Model) -> Mapping[str, Any]:
        """Return what the model has of this kind by name."""
        found: Any = getattr(source, self.collection) if self.is_in_program else {}
        if self.is_single:
            return {found.name: found} if found is not None else {}
        return found  # type: ignore[no-any-return]

    def lowered(self, source: Model) -> Any:
        """Return the value of the field `collection` of the program."""
        parts = tuple(self.lower(part, source) for part in self.made(source).values())
        return parts[0] if self.is_single else parts

    @staticmethod
    def word_of(node: syntax.TopLevel) -> str:
        """Return the word that a declaration begins with."""
        return (
            node.kind.text if isinstance(node, syntax.Declaration) else type(node).__name__.lower()
        )


DECLARATION_KINDS: tuple[DeclarationKind, ...] = (
    DeclarationKind("source", "sources", source.define, declares_fields=True),
    DeclarationKind("topic", "topics", topic.define, explain=topic.explain),
    DeclarationKind(
        "entity",
        "entities",
        entity.define,
        explain=entity.explain,
        references={ex.Related: lambda node: node.entity},
        declares_fields=True,
    ),
    DeclarationKind("profile", "profile", profile.define, is_single=True, declares_fields=True),
    DeclarationKind(
        "event",
        "events",
        event.define,
        explain=event.explain,
        references={
            pg.EventEntry: lambda node: node.event,
            pg.Await: lambda node: node.event,
            ex.Aggregate: lambda node: node.event,
            ex.Result: lambda node: pg.done_by(node.action),
            ex.Noted: lambda node: node.event,
            pg.NoteEventEffect: lambda node: node.event,
        },
        declares_fields=True,
    ),
    DeclarationKind(
        "action",
        "actions",
        action.define,
        explain=action.explain,
        references={pg.DoEffect: lambda node: node.action},
        explains_comment=True,
    ),
    DeclarationKind(
        "measure",
        "measures",
        measure.define,
        explain=measure.explain,
        references={ex.MeasureValue: lambda node: node.measure},
    ),
    DeclarationKind(
        "segment",
        "segments",
        segment.define,
        check=segment.check_circles,
        explain=segment.explain,
        references={
            pg.SegmentEntry: lambda node: node.segment,
            ex.Member: lambda node: node.segment,
        },
    ),
    DeclarationKind("export", "exports", export.define, explain=export.explain),
    DeclarationKind(
        "message",
        "messages",
        message.define,
        explain=message.explain,
        references={pg.SendEffect: lambda node: node.message},
    ),
    DeclarationKind(
        "policy", "policies", policy.define, explain=policy.explain, node=syntax.Policy
    ),
    DeclarationKind(
        "fragment", "fragments", fragment.define, node=syntax.Fragment, is_in_program=False
    ),
    DeclarationKind(
        "journey",
        "journeys",
        journey.define,
        lower=lower_journey,
        explain=explain_journey.explain,
        node=syntax.Journey,
        explains_comment=True,
    ),
)
KIND_OF: Mapping[str, DeclarationKind] = {kind.word: kind for kind in DECLARATION_KINDS}
assert len(KIND_OF) == len(DECLARATION_KINDS), "two kinds begin with the same word"

# Understood by the grammar, without a meaning in this version.
LATER: tuple[str, ...] = ("enrich", "predict", "score", "lifecycle")

# Damage to one of these may hide the name of any field.
FIELD_KINDS = {kind.word for kind in DECLARATION_KINDS if kind.declares_fields} | {"enrich"}
