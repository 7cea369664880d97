"""What interactions say about topics and channels, however it is written (S20).

Who asks to get nothing must get nothing, also where a provider calls the topic or the channel otherwise: an
unsubscribe, a bounce or a complaint with an unknown name is for all of them. All others must name one
that is there.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from cij.compiler.channels import CHANNELS
from cij.compiler.program import Topic
from cij.compiler.sql.outbox import CALLS
from cij.runtime import consent
from cij.runtime.event_values import Unfit
from cij.runtime.suppression import REASONS

# The channels of messages, and that of calls, which report what came back as an event.
_WAYS = [*CHANNELS, CALLS]
# Interactions that change consent: whether they grant it.
CONSENT = {"subscribed": True, "unsubscribed": False}
# Interactions after which an address must get nothing. If several customers have it, they concern all
# of them, because the event does not say which one it was (S29).
AGAINST_ADDRESS = frozenset({"unsubscribed", *REASONS})


def channel_of(event: str, given: str | None) -> str | None:
    """Return the channel that an interaction names; None for all. Raises Unfit for an unknown one."""
    return _named(event, "channel", given, _WAYS)


def topic_of(event: str, given: object, topics: Iterable[Topic]) -> str | None:
    """Return the topic that an interaction names; None for all. Raises Unfit for an unknown one."""
    text = given if isinstance(given, str) else None
    return _named(event, "topic", text, [topic.name for topic in topics])


def require_names(channel: object, topic: object, topics: Iterable[Topic]) -> None:
    """Raise Unfit for an unknown name of any interaction, where its author can still mend it."""
    names = [t.name for t in topics]
    for what, given, known in (("channel", channel, _WAYS), ("topic", topic, names)):
        if isinstance(given, str) and given and _same(given, known) is None:
            raise Unfit(_unknown(what, given, known))


def _named(event: str, what: str, given: str | None, known: Iterable[str]) -> str | None:
    if not given:
        return None
    names = list(known)
    found = _same(given, names)
    if found is None and event not in AGAINST_ADDRESS:
        raise Unfit(_unknown(what, given, names))
    return found


def _same(given: str, known: Iterable[str]) -> str | None:
    # Names that differ only in case are the same name.
    return next((name for name in known if name.lower() == given.strip().lower()), None)


def _unknown(what: str, given: str, known: list[str]) -> str:
    return f'there is no {what} "{given[:80]}"; there is {", ".join(known) or "none"}'


def changes(
    event: str,
    customer: str,
    topic: str | None,
    channel: str | None,
    at: datetime,
    topics: Iterable[Topic],
) -> Iterator[consent.Change]:
    """Yield what an interaction changes; a topic or channel that is not named means all."""
    for each in topics:
        for way in each.channels:
            is_meant = each.name == topic or (topic is None and each.consent != "none")
            if is_meant and channel in (None, way):
                yield consent.Change(customer, each.name, way, CONSENT[event], at)
