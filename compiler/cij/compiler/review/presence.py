"""Declarations that are new, gone, or have another name. Journeys and policies have words of their own."""

from collections.abc import Mapping
from typing import Any

from cij.compiler import program as pg
from cij.compiler.review.both_sides import Context, journeys_of, where
from cij.compiler.review.lineage import Node
from cij.compiler.review.review_answers import inside, used_by, who_uses
from cij.compiler.review.review_report import Change
from cij.compiler.wording import listed


def added(word: str, name: str, part: Any, context: Context) -> Change:
    """Return the change of a new declaration."""
    users = context.users(Node(word, name))
    used = journeys_of(users)
    effect = (
        f"It is used by {listed(used)}; the changes there say what customers get."
        if used
        else "No journey uses it yet, so nothing changes for customers."
    )
    texts = part.locales if isinstance(part, pg.Message) and used else ()
    return Change(
        address=f"{word}.{name}",
        action="added",
        # What is only defined changes nothing by itself, but customers will read a text.
        change_class="content" if texts else "none",
        what=f"new {word} `{name}`",
        after=f"{texts[0].subject or texts[0].body}" if texts else None,
        effect=effect,
        who=who_uses(users),
        decide=f"Is the text right in {listed(t.locale for t in texts)}?" if texts else "",
        affects=used_by(users),
        place=where(part.place),
    )


def changed(word: str, name: str, part: Any, context: Context) -> Change:
    """Return the change of a declaration of a kind that has no words of its own."""
    users = context.users(Node(word, name))
    return Change(
        address=f"{word}.{name}",
        action="changed",
        change_class="audience" if journeys_of(users) else "none",
        what=f"{word} `{name}` has another definition",
        effect="All that uses it may come out differently.",
        who=who_uses(users),
        inside=inside(journeys_of(users), context),
        decide=f"Is that right for {listed(journeys_of(users))}?" if journeys_of(users) else "",
        affects=used_by(users),
        place=where(part.place),
    )


def removed(word: str, name: str, part: Any, context: Context) -> Change:
    """Return the change of a declaration that is gone."""
    users = context.users(Node(word, name), is_gone=True)
    used = journeys_of(users)
    effect = (
        f"{listed(used)} used it and {'does' if len(used) == 1 else 'do'} not any more."
        if used
        else "No journey used it, so nothing changes for customers."
    )
    return Change(
        address=f"{word}.{name}",
        action="removed",
        change_class="structure removed" if used else "none",
        what=f"{word} `{name}` is gone",
        effect=effect,
        who=who_uses(users),
        inside=inside(used, context),
        affects=used_by(users),
        place=where(part.place),
    )


# What else than the name a renamed declaration changes, where it is not nothing.
_RENAMED: Mapping[type, str] = {
    pg.Segment: "The condition is the same. cij looks at it as a new segment: its members count as joining.",
    pg.Message: "The texts are the same. Statistics of the message begin anew.",
    pg.Event: "Its definition is the same. Events that were handed in under the old name do not count any more.",
    pg.Topic: "Consents that were given or taken back under the old name do not count any more.",
    pg.Source: "Its definition is the same.",
}


def renamed(word: str, old: str, new: str, part: Any, context: Context) -> Change:
    """Return the change of a declaration that has another name and is the same otherwise."""
    users = context.users(Node(word, new))
    risk = _RISK.get(type(part)) if journeys_of(users) else None
    return Change(
        address=f"{word}.{new}",
        previous=f"{word}.{old}",
        action="renamed",
        change_class="audience" if risk is not None else "none",
        what=f"{word} `{old}` is now called `{new}`",
        effect=_RENAMED.get(
            type(part), "Its definition is the same, so nothing changes for customers."
        ),
        who=who_uses(users),
        inside=inside(journeys_of(users), context),
        decide=f"Is the new name worth it? {risk}" if risk is not None else "",
        before=old,
        after=new,
        affects=used_by(users),
        place=where(part.place),
    )


_RISK: Mapping[type, str] = {
    pg.Segment: "`cij plan` says who would enter because of it.",
    pg.Event: "Systems that hand it in with `cij event` must use the new name.",
    pg.Topic: "Check that the refusals of before are known under the new name too.",
}
