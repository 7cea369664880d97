"""From a row of the outbox and its stored message to the bytes that a transport takes."""

import json
import re
from typing import Any
from urllib.parse import quote

from cij.compiler.channels import CHANNELS
from cij.compiler.program import Action, Content, Message
from cij.runtime.delivery.address import mailbox, named_mailbox, phone_number
from cij.runtime.delivery.channels.transport import Prepared
from cij.runtime.delivery.defaults import Defaults, LinkKind, MessageOf
from cij.runtime.delivery.mail import Email, build
from cij.runtime.delivery.outbox import Row
from cij.runtime.delivery.provider_marks import marks_of
from cij.runtime.delivery.render import Rendered, choose_locale, one_line, render
from cij.runtime.delivery.rendered_values import number
from cij.runtime.delivery.tracked_html import turned, with_image, with_query
from cij.runtime.errors import DeliveryError, PermanentDelivery

# How a template names a link: `{{ links.unsubscribe }}`, `{{ links.confirm.news }}`.
_TAG = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
_LINK = re.compile(r"\blinks\.(unsubscribe|preferences|confirm)\b(?:\.(\w+))?")


def compose_action(row: Row, action: Action, store: str = "") -> Prepared:
    """Return the call of an action, one JSON object in one line.

    Raises PermanentDelivery where a parameter that it needs is missing.
    """
    values = json.loads(row.parameters or "{}")
    assert isinstance(values, dict), f"the parameters of {row.key} are not a JSON object"
    for parameter in action.parameters:
        if parameter.is_required and values.get(parameter.name) is None:
            raise PermanentDelivery(f"the parameter `{parameter.name}` has no value")
    data = {
        "key": row.key,
        "customer": row.customer,
        "journey": row.journey,
        "step": row.step,
        "parameters": values,
    }
    at = row.created_at.isoformat(timespec="seconds") + "Z"
    whole = {"type": action.name, "timestamp": at, "data": data}
    content = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
    id = _id(row, store)
    return Prepared(row.key, row.channel, action.name, "", row.created_at, content, id)


def _id(row: Row, store: str) -> str:
    # Not with the instant: a state that is restored sends at another one, and must not give a new id.
    return f"{store} {row.key}"


def locale_of(row: Row, message: Message) -> Content:
    """Return the content that the customer of `row` gets."""
    return choose_locale(message, row.locale)


def compose(
    row: Row, message: Message, content: Content, defaults: Defaults, store: str = ""
) -> Prepared:
    """Render and build one message. `store` is the id of the store.

    Raises PermanentDelivery for this message, or DeliveryError when none of them can be built.
    """
    if not row.address:
        raise PermanentDelivery(f"the customer has no address for {row.channel}")
    values = {**_links(row, message, content, defaults), **_values(row)}
    rendered = render(content, values)
    if CHANNELS[row.channel].form == "mail":
        return _email(row, message, content, rendered, defaults, store)
    address = row.address
    if CHANNELS[row.channel].address_field == "phone":
        address = phone_number(address, defaults.region)
    text = _plain(row, address, rendered)
    return Prepared(
        row.key,
        row.channel,
        address,
        "",
        row.created_at,
        text,
        _id(row, store),
        text=rendered.text.strip(),
        title=rendered.subject,
        customer=row.customer,
    )


def _values(row: Row) -> dict[str, Any]:
    found = json.loads(row.parameters or "{}", parse_float=number)
    assert isinstance(found, dict), f"the parameters of {row.key} are not a JSON object"
    return found


def _links(row: Row, message: Message, content: Content, defaults: Defaults) -> dict[str, str]:
    """Return the links that a text prints, by name. Raises DeliveryError where none can be made."""
    tags = " ".join(_TAG.findall(f"{content.subject}\n{content.body}"))
    found = set(_LINK.findall(tags))
    if found and defaults.links is None:
        raise DeliveryError(
            f"message {message.name} has a link, and cij.toml has no `url` in [service]"
        )
    return {
        ".".join(filter(None, ("links", kind, topic))): _link(
            kind, row, topic or message.topic, defaults
        )
        for kind, topic in found
    }


def _link(kind: LinkKind, row: Row, topic: str, defaults: Defaults) -> str:
    assert defaults.links is not None, "a link was asked for where none can be made"
    about = (row.customer, topic, row.channel, row.key, row.created_at)
    return defaults.links.url(kind, *about)


def _email(
    row: Row,
    message: Message,
    content: Content,
    rendered: Rendered,
    defaults: Defaults,
    store: str,
) -> Prepared:
    sender = message.sender or defaults.sender
    if not sender:
        raise DeliveryError(
            f"message {message.name} has no sender; set `sender` in it or for the channel"
        )
    email = Email(
        key=_id(row, store),
        sender=sender,
        recipient=row.address or "",
        subject=rendered.subject,
        text=rendered.text,
        html=_measured(row, rendered, defaults),
        locale=content.locale,
        sent_at=row.created_at,
        journey=row.journey,
        step=row.step,
        reply_to=message.reply_to or defaults.reply_to,
        unsubscribe=_unsubscribe(defaults, row, message),
        marks=tuple(marks_of(defaults.reporting, row.customer, row.key)),
    )
    # The envelope takes the same form of the address as the header.
    address = mailbox(email.recipient)
    envelope_sender = named_mailbox(sender)[1]
    return Prepared(
        row.key,
        row.channel,
        address,
        envelope_sender,
        row.created_at,
        build(email),
        email.key,
        mail=email,
        customer=row.customer,
    )


def _measured(row: Row, rendered: Rendered, defaults: Defaults) -> str | None:
    """Return the HTML with links that lead by the service, if this customer is measured."""
    tracking, html = defaults.tracking, rendered.html
    if tracking is None or html is None:
        return html
    of = MessageOf(row.customer, row.key, row.channel, row.journey, row.step, row.message)
    hosts = rendered.hosts | tracking.hosts
    if not defaults.is_measured:
        extra = tracking.extra(of)
        return turned(html, hosts, lambda target, n, count: with_query(target, extra))
    html = turned(html, hosts, lambda target, n, count: tracking.link(of, target, n, count))
    return with_image(html, tracking.image(of))


def _unsubscribe(defaults: Defaults, row: Row, message: Message) -> str | None:
    """Return where this customer unsubscribes: one click must say who it is and from what."""
    target = defaults.unsubscribe
    if target is None:
        is_known = defaults.links is not None
        return _link("unsubscribe", row, message.topic, defaults) if is_known else None
    known = {"{customer}": row.customer, "{topic}": message.topic, "{key}": row.key}
    for hole, value in known.items():
        target = target.replace(hole, quote(value, safe=""))
    return target


def _plain(row: Row, address: str, rendered: Rendered) -> bytes:
    head = [f"To: {one_line(address)}", f"Journey: {one_line(row.journey)}"]
    head.append(f"Step: {one_line(row.step)}")
    if rendered.subject:
        head.append(f"Subject: {rendered.subject}")
    return "\n".join([*head, "", rendered.text.rstrip("\n"), ""]).encode("utf-8", "replace")
