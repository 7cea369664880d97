"""Changes of what has named parts: columns of a source, fields of an event, an entity or the profile."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cij.compiler.review.both_sides import Context, journeys_of, listed, same
from cij.compiler.review.lineage import Node
from cij.compiler.review.review_answers import COUNT, used_by, who_uses
from cij.compiler.review.review_report import Change, ChangeClass, Where


@dataclass(frozen=True, slots=True)
class Parts:
    """The named parts of a declaration.

    Attributes:
        owner: the address of the declaration; `label` is how it is called in a sentence.
        kind: the kind of the parts in the lineage.
        word: how one is called in a sentence.
        names: the parts by name, before and after.
        shown: a part in words.
        outside: what others must do where a part has another name; empty where the value comes from a
            source.
    """

    owner: str
    label: str
    kind: str
    word: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    shown: Callable[[Any], str]
    place: Where | None
    outside: str = ""


def part_changes(parts: Parts, context: Context) -> Iterator[Change]:
    """Yield the changes of parts; one that has only another name is renamed."""
    gone = {n: p for n, p in parts.before.items() if n not in parts.after}
    come = {n: p for n, p in parts.after.items() if n not in parts.before}
    for old, new in _renames(gone, come, parts):
        del gone[old], come[new]
        yield _renamed(old, new, parts, context)
    for name, part in parts.after.items():
        if name in parts.before and not same(parts.before[name], part):
            yield _changed(name, parts, context)
    for name in come:
        yield _added(name, parts, context)
    for name in gone:
        yield _removed(name, parts, context)


def _renames(
    gone: Mapping[str, Any], come: Mapping[str, Any], parts: Parts
) -> Iterator[tuple[str, str]]:
    """Yield the pairs of names whose parts are the same otherwise, and that no other part could be."""
    for old, part in list(gone.items()):
        twins = [n for n, p in come.items() if same(_nameless(part), _nameless(p))]
        rivals = [n for n, p in gone.items() if same(_nameless(part), _nameless(p))]
        if len(twins) == 1 and len(rivals) == 1:
            yield old, twins[0]


def _nameless(part: Any) -> Any:
    return part.model_copy(update={"name": ""}) if "name" in type(part).model_fields else part


def _node(name: str, parts: Parts) -> Node:
    owner = parts.owner.partition(".")[2]
    return Node(parts.kind, f"{owner}.{name}" if parts.kind != "field" else name)


def _renamed(old: str, new: str, parts: Parts, context: Context) -> Change:
    users = context.users(_node(new, parts))
    before = context.users(_node(old, parts), is_gone=True)
    effect = (
        "All that reads it uses the new name, so customers see no difference."
        if users or not before
        else f"{listed(n.name for n in before)} read it, and nothing does any more."
    )
    return Change(
        address=f"{parts.owner}.{parts.word}.{new}",
        previous=f"{parts.owner}.{parts.word}.{old}",
        action="renamed",
        change_class="audience" if parts.outside else "none",
        what=f"{parts.label}: {parts.word} `{old}` is now called `{new}`",
        before=old,
        after=new,
        effect=f"{effect} {parts.outside.format(old=old, new=new)}".strip(),
        who=who_uses(users or before),
        inside=_inside(old, before),
        decide=f"Do all systems use `{new}` from now on?" if parts.outside else "",
        affects=used_by(users),
        place=parts.place,
    )


def _inside(name: str, users: tuple[Node, ...]) -> str:
    names = journeys_of(users)
    if not names:
        return ""
    return (
        f"People inside {listed(names)} stay on a version that reads `{name}`: for customers and "
        "entities the last values are kept until they have left; new events do not have it."
    )


def _changed(name: str, parts: Parts, context: Context) -> Change:
    users = context.users(_node(name, parts))
    old, new = parts.before[name], parts.after[name]
    change_class: ChangeClass = "audience" if journeys_of(users) else "none"
    kinds = _types(old), _types(new)
    typed = kinds[0] != kinds[1]
    return Change(
        address=f"{parts.owner}.{parts.word}.{name}",
        action="changed",
        change_class=change_class,
        what=f"{parts.label}: {parts.word} `{name}` {'has another type' if typed else 'changed'}",
        before=parts.shown(old),
        after=parts.shown(new),
        effect=_effect(kinds, users),
        who=who_uses(users),
        inside="The next run reads the new values for everybody, also for people inside."
        if users
        else "",
        decide=f"Do all values fit, and are the conditions that read them still right? {COUNT}."
        if change_class == "audience"
        else "",
        affects=used_by(users),
        place=parts.place,
    )


def _types(part: Any) -> str:
    return str(part.type) if "type" in type(part).model_fields else ""


def _effect(kinds: tuple[str, str], users: tuple[Node, ...]) -> str:
    found = [f"{n.kind} `{n.name}`" for n in users if n.kind in ("segment", "message", "journey")]
    reads = "; ".join(found[:6]) + (f"; {len(found) - 6} more" if len(found) > 6 else "")
    lead = (
        f"A row whose value is no {kinds[1]} goes to quarantine, and its customer does not come in."
        if kinds[0] != kinds[1]
        else "Its values may be others."
    )
    return (
        f"{lead} It is read by {reads}."
        if reads
        else f"{lead} Nothing that customers see reads it."
    )


def _added(name: str, parts: Parts, context: Context) -> Change:
    users = context.users(_node(name, parts))
    return Change(
        address=f"{parts.owner}.{parts.word}.{name}",
        action="added",
        change_class="structure added" if journeys_of(users) else "none",
        what=f"{parts.label}: new {parts.word} `{name}`",
        after=parts.shown(parts.after[name]),
        effect=f"It is read by {listed(n.name for n in users)}."
        if users
        else "Nothing reads it yet.",
        who=who_uses(users),
        affects=used_by(users),
        place=parts.place,
    )


def _removed(name: str, parts: Parts, context: Context) -> Change:
    users = context.users(_node(name, parts), is_gone=True)
    return Change(
        address=f"{parts.owner}.{parts.word}.{name}",
        action="removed",
        change_class="structure removed" if journeys_of(users) else "none",
        what=f"{parts.label}: {parts.word} `{name}` is gone",
        before=parts.shown(parts.before[name]),
        effect=f"{listed(n.name for n in users)} read it, and nothing does any more."
        if users
        else "Nothing read it.",
        who=who_uses(users),
        inside=_inside(name, users),
        affects=used_by(users),
        place=parts.place,
    )
