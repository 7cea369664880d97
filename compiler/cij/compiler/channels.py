"""The channels of messages: one row for each, with all facts about it.

The compiler, the store, delivery and the front doors read this table; none has a list of its own.
What carries the messages of a channel is a transport (`cij.runtime.delivery.channels`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# Events that a message causes. A channel names those that its providers can report.
Interaction = Literal[
    "delivered",
    "failed",
    "opened",
    "clicked",
    # What a machine did before or in place of the customer, by the signs of `app/cij/service/machines.py`.
    "opened_by_machine",
    "clicked_by_machine",
    "replied",
    "bounced",
    "complained",
    "unsubscribed",
    "subscribed",
]


TransportName = Literal[
    "files",
    "smtp",
    "sendgrid",
    "postmark",
    "mailgun",
    "ses",
    "twilio",
    "vonage",
    "fcm",
    "apns",
    "webpush",
    "http",
]


@dataclass(frozen=True, slots=True)
class Channel:
    """`address_field` is the customer's field that holds the address.

    `is_typed` tells whether people can type an address, which then has a canonical form
    (`addresses.py`); else it is an opaque token of a device or an account. `content` are the settings of a locale, in
    order; the last is the body, and the one before it the subject. `form` says what is built of
    them: a MIME mail, whose body may be Markdown or HTML, or plain text. `transports` are the ways
    that `[delivery.CHANNEL]` in cij.toml may name; the first is the default. `file_suffix` is the
    ending of a message that is written to a file. `called` is what people call the channel, by language, for
    the pages that they see.
    """

    name: str
    address_field: str
    content: tuple[str, ...]
    interactions: tuple[Interaction, ...]
    is_typed: bool = False
    form: Literal["mail", "text"] = "text"
    transports: tuple[TransportName, ...] = ("files",)
    file_suffix: str = "txt"
    called: Mapping[str, str] = field(default_factory=dict)


_ROWS = (
    Channel(
        "email",
        address_field="email",
        is_typed=True,
        content=("subject", "body"),
        interactions=(
            "delivered",
            "failed",
            "opened",
            "clicked",
            "opened_by_machine",
            "clicked_by_machine",
            "replied",
            "bounced",
            "complained",
            "unsubscribed",
            "subscribed",
        ),
        form="mail",
        transports=("files", "smtp", "sendgrid", "postmark", "mailgun", "ses", "http"),
        file_suffix="eml",
        called={"en": "email", "de": "E-Mail", "es": "correo", "fr": "e-mail"},
    ),
    Channel(
        "sms",
        address_field="phone",
        is_typed=True,
        content=("text",),
        interactions=(
            "delivered",
            "failed",
            "clicked",
            "replied",
            "bounced",
            "unsubscribed",
            "subscribed",
        ),
        transports=("files", "twilio", "vonage", "http"),
        called={"en": "text message", "de": "SMS", "es": "SMS", "fr": "SMS"},
    ),
    Channel(
        "push",
        address_field="device",
        content=("title", "text"),
        interactions=("delivered", "failed", "opened", "clicked", "unsubscribed", "subscribed"),
        transports=("files", "fcm", "apns", "webpush"),
        called={"en": "app", "de": "App", "es": "la aplicación", "fr": "l’application"},
    ),
)

CHANNELS: dict[str, Channel] = {row.name: row for row in _ROWS}
assert len(CHANNELS) == len(_ROWS), "two channels share a name"


# The one that a call of an action can cause, too: it did not come through.
OF_CALLS: Interaction = "failed"


def happens_on(interaction: str, channel: str) -> bool:
    """Tell whether the providers of a channel report such an event."""
    return interaction in CHANNELS[channel].interactions


# The customer's field that holds the address, by channel.
ADDRESS: dict[str, str] = {row.name: row.address_field for row in _ROWS}
# Those fields whose addresses people type.
TYPED_ADDRESSES: tuple[str, ...] = tuple(row.address_field for row in _ROWS if row.is_typed)
