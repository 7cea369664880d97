"""Changes of what has named parts: columns of a source, fields of an event, an entity or the profile."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cij.compiler.review.both_sides import Context, journeys_of
from cij.compiler.review.change_class import ChangeClass
from cij.compiler.review.lineage import Node
from cij.compiler.review.review_answers import COUNT, used_by, who_uses
from cij.compiler.review.review_report import Change, Where
from cij.compiler.wording import listed


@dataclass(frozen=True, slots=True)
class Parts:
    """The named parts of a declaration.

    Attributes:
        owner: the address of the declaration; `label` is how it is called in a sentence.
        kind: the kind of the parts in the lineage.
        word: how one is called in a sentence.
        names: the parts by name, before and after.
        shown: a part in words.
        written: what an author says of a part; its type may follow from elsewhere.
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
    written: Callable[[Any], str]
    place: Where | None
    outside: str = ""


def part_changes(parts: Parts, context: Context) -> Iterator[Change]:
    """Yield the changes of parts. Those with another name have the new one on both sides by now."""
    for name, part in parts.after.items():
        earlier = parts.before.get(name)
        # What differs in nothing that is written follows from the change of what it is read from.
        if earlier is not None and parts.written(earlier) != parts.written(part):
            yield _changed(name, parts, context)
    for name in parts.after.keys() - parts.before.keys():
        yield _added(name, parts, context)
    for name in parts.before.keys() - parts.after.keys():
        yield _removed(name, parts, context)


def _node(name: str, parts: Parts) -> Node:
    owner = parts.owner.partition(".")[2]
    return Node(parts.kind, f"{owner}.{name}" if parts.kind != "field" else name)


def part_renamed(old: str, new: str, parts: Parts, context: Context) -> Change:
    """Return the change of a part that has another name and is the same otherwise."""
    users = context.users(_node(new, parts))
    return Change(
        address=f"{parts.owner}.{parts.word}.{new}",
        previous=f"{parts.owner}.{parts.word}.{old}",
        action="renamed",
        change_class="audience" if parts.outside else "none",
        what=f"{parts.label}: {parts.word} `{old}` is now called `{new}`",
        before=old,
        after=new,
        effect="All that reads it uses the new name, so customers see no difference. "
        + (parts.outside.format(old=old, new=new) or "The data must have the new name too."),
        who=who_uses(users),
        inside=_inside(old, users, parts),
        decide=f"Do all systems use `{new}` from now on?" if parts.outside else "",
        affects=used_by(users),
        place=parts.place,
    )


def _inside(name: str, users: tuple[Node, ...], parts: Parts) -> str:
    names = journeys_of(users)
    if not names:
        return ""
    rest = (
        f"new events do not have `{name}`, so its conditions on it are not met"
        if parts.kind == "event field"
        else "its last values are kept until they have left"
    )
    return f"People inside {listed(names)} stay on a version that reads `{name}`: {rest}."


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


_SEEN = ("segment", "message", "journey")


def _effect(kinds: tuple[str, str], users: tuple[Node, ...]) -> str:
    found = [f"{n.kind} `{n.name}`" for n in users if n.kind in _SEEN]
    reads = "; ".join(found[:6]) + (f"; {len(found) - 6} more" if len(found) > 6 else "")
    lead = _typed(*kinds) if kinds[0] != kinds[1] else "Its values may be others."
    return (
        f"{lead} It is read by {reads}."
        if reads
        else f"{lead} Nothing that customers see reads it."
    )


def _typed(old: str, new: str) -> str:
    if new == "text" or (old, new) == ("integer", "decimal"):
        return f"Every value of before still fits, and rows that were in quarantine come in: {new} takes more."
    return f"A row with a value that is no {new} goes to quarantine, and is not used."


def _added(name: str, parts: Parts, context: Context) -> Change:
    users = context.users(_node(name, parts))
    return Change(
        address=f"{parts.owner}.{parts.word}.{name}",
        action="added",
        change_class="none",
        what=f"{parts.label}: new {parts.word} `{name}`",
        after=parts.shown(parts.after[name]),
        effect="Nothing changes for customers by this alone. "
        + (f"It is read by {listed(n.name for n in users)}." if users else "Nothing reads it yet."),
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
        inside=_inside(name, users, parts),
        affects=used_by(users),
        place=parts.place,
    )
