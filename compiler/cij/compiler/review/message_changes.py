"""Changes of messages and topics: texts, senders, consent."""

from collections.abc import Iterator

from cij.compiler import program as pg
from cij.compiler.expression import Period
from cij.compiler.review.both_sides import Context, journeys_of, where
from cij.compiler.review.change_class import ChangeClass
from cij.compiler.review.lineage import Node
from cij.compiler.review.review_answers import AT_ONCE, inside, used_by, who_uses
from cij.compiler.review.review_report import Change
from cij.compiler.unparse import duration_words
from cij.compiler.wording import listed


def message_changes(
    name: str, old: pg.Message, new: pg.Message, context: Context
) -> Iterator[Change]:
    """Yield the changes of a message that is on both sides."""
    yield from _texts(name, old, new, context)
    yield from _settings(name, old, new, context)


def _texts(name: str, old: pg.Message, new: pg.Message, context: Context) -> Iterator[Change]:
    before, after = ({c.locale: c for c in m.locales} for m in (old, new))
    for locale, text in after.items():
        earlier = before.get(locale)
        if earlier is None:
            yield _locale_added(name, locale, new, context)
        elif earlier != text:
            yield _text_changed(name, earlier, text, new, context)
    for locale in before.keys() - after.keys():
        yield _locale_removed(name, locale, new, context)


def _base(name: str, new: pg.Message, context: Context) -> dict[str, object]:
    users = context.users(Node("message", name))
    return {
        "inside": inside(journeys_of(users), context),
        "affects": used_by(users),
        "place": where(new.place),
    }


def _text_changed(
    name: str, old: pg.Content, new: pg.Content, message: pg.Message, context: Context
) -> Change:
    parts = [p for p in ("subject", "body", "format") if getattr(old, p) != getattr(new, p)]
    before, after = _first_difference(old, new)
    others = [c.locale for c in message.locales if c.locale != new.locale]
    rest = f" The texts in {listed(others)} are as before." if others else ""
    names = " and ".join(parts)
    return Change(
        address=f"message.{name}.locale.{new.locale}",
        action="changed",
        change_class="content",
        what=f"message `{name}` has another {names} in `{new.locale}`",
        before=before,
        after=after,
        effect=f"Customers who get it in `{new.locale}` read the new text.{rest}",
        who=_readers(name, new.locale, message, context),
        decide="Is the text right"
        + (f", and do the texts in {listed(others)} still say the same?" if others else "?"),
        **_base(name, message, context),  # type: ignore[arg-type]
    )


def _first_difference(old: pg.Content, new: pg.Content) -> tuple[str, str]:
    """Return the first lines that differ: a reviewer sees all of them in the text diff."""
    if old.subject != new.subject:
        return old.subject, new.subject
    if old.body == new.body:
        return old.format, new.format
    before, after = old.body.splitlines(), new.body.splitlines()
    pairs = zip([*before, *[""] * len(after)], [*after, *[""] * len(before)], strict=False)
    one, other = next(((a, b) for a, b in pairs if a != b), ("", ""))
    return one.strip(), other.strip()


def _readers(name: str, locale: str, message: pg.Message, context: Context) -> str:
    users = context.users(Node("message", name))
    if not journeys_of(users):
        return "nobody: no journey sends it"
    also = ", or whose language has no text" if locale == message.fallback else ""
    return f"{who_uses(users)} whose language is `{locale}`{also}"


def _locale_added(name: str, locale: str, new: pg.Message, context: Context) -> Change:
    users = context.users(Node("message", name))
    return Change(
        address=f"message.{name}.locale.{locale}",
        action="added",
        change_class="content",
        what=f"message `{name}` has a text in `{locale}`",
        effect=f"Customers whose language is `{locale}` get their own text; before, they got `{new.fallback}`.",
        who=f"{who_uses(users)} whose language is `{locale}`",
        decide="Is the text right?",
        **_base(name, new, context),  # type: ignore[arg-type]
    )


def _locale_removed(name: str, locale: str, new: pg.Message, context: Context) -> Change:
    users = context.users(Node("message", name))
    return Change(
        address=f"message.{name}.locale.{locale}",
        action="removed",
        change_class="content",
        what=f"message `{name}` has no text in `{locale}` any more",
        effect=f"Customers whose language is `{locale}` get the text in `{new.fallback}`.",
        who=f"{who_uses(users)} whose language is `{locale}`",
        decide=f"Should they read `{new.fallback}`?",
        **_base(name, new, context),  # type: ignore[arg-type]
    )


_SETTINGS: tuple[tuple[str, str, ChangeClass, str], ...] = (
    ("topic", "belongs to another topic", "policy", "Another consent decides who may get it."),
    ("channel", "goes by another channel", "audience", "Who has no address there gets nothing."),
    ("sender", "has another sender", "content", "Customers see another sender."),
    ("reply_to", "has another address for replies", "content", "Replies go to another address."),
    (
        "fallback",
        "has another language for those whose own has no text",
        "content",
        "Customers whose language has no text read another one.",
    ),
    (
        "expires",
        "expires after another time",
        "timing",
        "A held message is dropped sooner or later.",
    ),
)


def _settings(name: str, old: pg.Message, new: pg.Message, context: Context) -> Iterator[Change]:
    users = context.users(Node("message", name))
    for field, what, change_class, effect in _SETTINGS:
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            yield Change(
                address=f"message.{name}.{field}",
                action="changed",
                change_class=change_class,
                what=f"message `{name}` {what}",
                before=_shown(before),
                after=_shown(after),
                effect=effect,
                who=who_uses(users, otherwise="nobody: no journey sends it"),
                decide="Who must agree to that?" if change_class == "policy" else "",
                **_base(name, new, context),  # type: ignore[arg-type]
            )


def _shown(value: object) -> str:
    if value is None:
        return "none"
    return duration_words(value) if isinstance(value, Period) else str(value)


def topic_changes(name: str, old: pg.Topic, new: pg.Topic, context: Context) -> Iterator[Change]:
    """Yield the changes of a topic: all of them are about what customers agreed to."""
    users = context.users(Node("topic", name))
    for field, what, effect in (
        ("consent", "has another rule of consent", _consent_effect(new)),
        ("purpose", "has another purpose", "Customers agreed to the old purpose."),
        ("channels", "has other channels", "Other channels may be used for it."),
    ):
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            yield Change(
                address=f"topic.{name}.{field}",
                action="changed",
                change_class="policy",
                what=f"topic `{name}` {what}",
                before=_channels(before),
                after=_channels(after),
                effect=effect,
                who=who_uses(users),
                inside=AT_ONCE,
                decide="Does the consent that customers gave cover this?",
                affects=used_by(users),
                place=where(new.place),
            )


def _consent_effect(new: pg.Topic) -> str:
    if new.consent == "opt_out":
        return "Customers who never answered get its messages now."
    if new.consent == "none":
        return "All customers get its messages, also those who said no."
    return "Only customers who said yes get its messages."


def _channels(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
