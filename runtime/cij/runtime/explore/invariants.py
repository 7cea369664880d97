"""The invariants: rules that must hold for all customers and events.

Each check reads the store and is independent of plans.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from cij.compiler import program as pg, story as st
from cij.compiler.sql import query
from cij.runtime.explore.contact import (
    caps_hold,
    channels_of,
    quiet_hours_hold,
    shortest,
    suppression_holds,
    validity_holds,
)
from cij.runtime.explore.lived import Barred, Lived, Said, Violation, Zoned
from cij.runtime.store.keys import DOUBLE_MESSAGES

_SENT = query(
    "SELECT o.customer, o.journey, o.step, o.channel, o.topic, o.message, o.created_at, o.outcome, "
    "p.ended_at, p.is_held_out, p.cause FROM outbox AS o JOIN passage AS p ON p.id = o.passage "
    "ORDER BY o.created_at, o.key"
)
_PASSAGES = query(
    "SELECT p.customer, p.journey, p.entry_key, p.entered_at, p.ended_at, p.wake_at, p.trigger "
    "FROM passage AS p ORDER BY p.id"
)


def violations(lived: Lived) -> Iterator[Violation]:
    """Yield the violations of all invariants."""
    lived.look_anew()
    for check in CHECKS:
        yield from check(lived)


def _nothing_after_the_end(lived: Lived) -> Iterator[Violation]:
    for row in lived.rows(_SENT):
        customer, journey, _, channel, _, message, at, _, ended_at, _, cause = row
        if ended_at is not None and at > ended_at:
            shown = lived.stage.shown
            text = f"{channel} {message} at {shown(at)}, after the {cause} at {shown(ended_at)}"
            yield Violation("nothing is sent after an exit", journey, customer, text)


# The consents that journeys gave and withdrew; the id of such an event begins with its passage.
_OF_JOURNEYS = query(
    "SELECT e.at, e.customer, e.topic, e.channel, e.granted FROM ("
    "SELECT s.*, TRUE AS granted FROM event_subscribed AS s UNION ALL "
    "SELECT u.*, FALSE AS granted FROM event_unsubscribed AS u) AS e "
    "JOIN passage AS p ON p.customer = e.customer "
    "AND STRPOS(e.id, CONCAT(p.journey, ':', CAST(p.id AS VARCHAR), ':')) = 1 ORDER BY e.seq"
)


def _said(lived: Lived) -> list[Said]:
    """Return all that was said about consents, in the order of time."""
    topics = {t.name: t for t in lived.stage.program.topics}
    found = list(lived.said)
    for at, customer, topic, channel, is_granted in lived.rows(_OF_JOURNEYS):
        for way in topics[topic].channels if channel is None else (channel,):
            found.append(Said(at, customer, topic, way, is_granted))
    return sorted(found, key=lambda said: said.at)


def _consent_holds(lived: Lived) -> Iterator[Violation]:
    topics = {t.name: t for t in lived.stage.program.topics}
    said = _said(lived)
    for row in lived.rows(_SENT):
        customer, journey, _, channel, topic, message, at, outcome, *_ = row
        if channel == "action" or outcome not in ("queued", "delivered"):
            continue
        if topics[topic].consent != "none" and not _agreed(
            said, row[0], topics[topic], channel, at
        ):
            text = f"{channel} {message} at {lived.stage.shown(at)} without consent to {topic}"
            yield Violation("consent holds", journey, customer, text)


def _agreed(
    all_said: list[Said], customer: str, topic: pg.Topic, channel: str, at: datetime
) -> bool:
    """Tell whether there may have been consent at an instant.

    A change at the same instant may have come after the message, so the state before it counts too.
    """
    states = [topic.consent != "opt_in"]
    for said in all_said:
        if (said.customer, said.topic, said.channel) == (customer, topic.name, channel):
            if said.at < at:
                states = [said.is_granted]
            elif said.at == at:
                states.append(said.is_granted)
    return any(states)


def _held_out_get_nothing(lived: Lived) -> Iterator[Violation]:
    for row in lived.rows(_SENT):
        customer, journey, _, channel, _, message, at, outcome, _, is_held_out, _ = row
        if is_held_out and outcome in ("queued", "delivered"):
            text = f"{channel} {message} at {lived.stage.shown(at)}"
            yield Violation("held-out customers get nothing", journey, customer, text)


def _exits_end(lived: Lived) -> Iterator[Violation]:
    """Yield the passages that an exit by event did not end.

    Exits with a filter are left out, because a filter would need the SQL that is under test.
    Journeys with `per` are left out, because the event may be for another key.
    """
    for journey in lived.stage.program.journeys:
        names = {e.event for e in journey.exits if e.event and e.where is None}
        if journey.per is not None or not names:
            continue
        for row in lived.rows(_PASSAGES):
            if row[1] == journey.name:
                yield from _not_ended(lived, journey, names, row)


def _not_ended(
    lived: Lived, journey: pg.Journey, names: set[str], row: tuple[object, ...]
) -> Iterator[Violation]:
    customer, _, _, entered_at, ended_at, *_ = row
    assert isinstance(entered_at, datetime), "every passage has entered"
    for event in lived.events:
        is_met = event.customer == customer and event.name in names and event.at > entered_at
        if is_met and (ended_at is None or ended_at > event.at):  # type: ignore[operator]
            text = f"{event.name} at {lived.stage.shown(event.at)} is an exit, and they stayed"
            yield Violation("an exit ends the passage", journey.name, str(customer), text)


def _keys_are_unique(lived: Lived) -> Iterator[Violation]:
    for key, count in lived.rows(DOUBLE_MESSAGES):
        journey, customer = str(key).split(":")[0], ""
        yield Violation("a key occurs once", journey, customer, f"{key} occurs {count} times")


def _again_holds(lived: Lived) -> Iterator[Violation]:
    journeys = {j.name: j for j in lived.stage.program.journeys}
    last: dict[tuple[str, str, str], datetime | None] = {}
    for customer, name, key, entered_at, ended_at, *_ in lived.rows(_PASSAGES):
        journey = journeys[name]
        of = (name, customer, key if journey.per else "")
        if of in last:
            before = last[of]
            is_early = before is None or entered_at < before + _pause(journey)
            if journey.again == "never" or is_early:
                text = f"entered again at {lived.stage.shown(entered_at)}"
                yield Violation(f"again {journey.again}", name, customer, text)
        last[of] = ended_at


def _pause(journey: pg.Journey) -> timedelta:
    """Return the shortest time after which a customer may enter again."""
    return shortest(journey.again_after) if journey.again_after else timedelta()


def _nobody_is_overdue(lived: Lived) -> Iterator[Violation]:
    # The story is settled, so every timer up to now has fired. A second allows for rounding.
    now = lived.stage.clock.now()
    for customer, journey, _, _, ended_at, wake_at, *_ in lived.rows(_PASSAGES):
        if ended_at is None and (wake_at is None or wake_at < now - timedelta(seconds=1)):
            text = f"waits for {lived.stage.shown(wake_at) if wake_at else 'nothing'}"
            yield Violation("nobody is overdue", journey, customer, text)


CHECKS: tuple[Callable[[Lived], Iterator[Violation]], ...] = (
    _nothing_after_the_end,
    _consent_holds,
    quiet_hours_hold,
    caps_hold,
    validity_holds,
    suppression_holds,
    _held_out_get_nothing,
    _exits_end,
    _keys_are_unique,
    _again_holds,
    _nobody_is_overdue,
)


def consents_said(statement: st.Given, program: pg.Program, at: datetime) -> Iterator[Said]:
    """Yield the consents that a statement about a customer sets, one for each topic and channel."""
    for consent in statement.consents:
        for topic in program.topics:
            for channel in topic.channels:
                if topic.name == consent.topic and consent.channel in (None, channel):
                    yield Said(at, statement.customer, topic.name, channel, consent.is_granted)


def consents_changed(statement: st.Happens, program: pg.Program, at: datetime) -> Iterator[Said]:
    """Yield the consents that an event changes.

    Without a topic or channel it changes all of them.
    """
    if statement.event not in ("subscribed", "unsubscribed"):
        return
    named, by = (statement.fields.get(name) for name in ("topic", "channel"))
    for topic in program.topics:
        is_meant = topic.name == named.value if named else topic.consent != "none"
        for channel in topic.channels if is_meant else ():
            if by is None or by.value == channel:
                is_granted = statement.event == "subscribed"
                yield Said(at, statement.customer, topic.name, channel, is_granted)


def zone_said(statement: st.Given, at: datetime) -> Iterator[Zoned]:
    """Yield the zone that a statement gives a customer, if it gives one."""
    if (own := statement.fields.get("timezone")) is not None:
        yield Zoned(at, statement.customer, str(own.value))


def barred_by(statement: st.Happens, program: pg.Program, at: datetime) -> Iterator[Barred]:
    """Yield the channel that an event suppresses, where it is certain which one."""
    if statement.event not in ("bounced", "complained"):
        return
    reason, named = (statement.fields.get(name) for name in ("reason", "channel"))
    if statement.event == "bounced" and reason is not None and reason.value == "soft":
        return
    channels = channels_of(program, statement.of) if statement.of else {"email"}
    if named is not None:
        channels = {str(named.value)}
    if len(channels) == 1:
        yield Barred(at, statement.customer, channels.pop(), statement.event)
