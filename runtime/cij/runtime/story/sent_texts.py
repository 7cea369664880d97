"""What a customer reads of one message of a story: its texts, links and parameters."""

import json
import re
from collections.abc import Mapping
from html import unescape

from cij.compiler.channels import CHANNELS
from cij.compiler.program import Message
from cij.runtime.delivery.render import Rendered, choose_locale, render
from cij.runtime.delivery.rendered_values import nested, number, plain
from cij.runtime.errors import DeliveryError, reason_of

_LINK = re.compile(r"""https?://[^\s"'<>()\[\]]+""")
_PERIOD = re.compile(r"PT?(\d+)([YMWDHS])")
_PERIOD_S = {"Y": 365 * 86400, "W": 7 * 86400, "D": 86400, "H": 3600, "S": 1}


class Unwritten(Exception):
    """The message cannot be written. The text says why."""


def message_values(message: Message, locale: str | None, parameters: str) -> dict[str, object]:
    """Return the values of a message by name. Raises Unwritten."""
    known: Mapping[str, object] = json.loads(parameters or "{}", parse_float=number)
    try:
        rendered = render(choose_locale(message, locale), known)
    except DeliveryError as error:
        raise Unwritten(str(error)) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, it is of this message (S28)
        raise Unwritten(reason_of(error)) from None
    *subject, body = CHANNELS[message.channel].content
    texts = dict.fromkeys(subject, rendered.subject) | {body: rendered.text}
    return {**nested(known), **texts, "links": _links(rendered)}


def _links(rendered: Rendered) -> list[str]:
    """Return the web links of a message, each once, in their order."""
    written = unescape(rendered.html) if rendered.html else rendered.text
    found = (link.rstrip(".,;:!?") for link in _LINK.findall(written))
    return list(dict.fromkeys(found))


def call_values(parameters: str) -> dict[str, object]:
    """Return the parameters of a call by name: an amount without its currency, a duration in seconds."""
    known: dict[str, object] = json.loads(parameters or "{}")
    return {name: _of_call(value) for name, value in known.items()}


def _of_call(value: object) -> object:
    if isinstance(value, dict):
        return value.get("amount")
    return value


def seconds_of(period: str) -> int:
    """Return the length of an ISO 8601 duration of one unit; a month counts 30 days."""
    found = _PERIOD.fullmatch(period)
    assert found is not None, f"{period} is no duration of ours"
    count, unit = int(found[1]), found[2]
    if unit == "M":
        return count * (60 if period.startswith("PT") else 30 * 86400)
    return count * _PERIOD_S[unit]


def shown(value: object) -> str:
    """Return a value for a line of a failure."""
    text = plain(value) if value is not None else "unknown"
    line = " ".join(text.split())
    quoted = f'"{line}"' if isinstance(value, str) else line
    return quoted if len(quoted) <= _SHOWN_MAX else quoted[: _SHOWN_MAX - 1] + "…"


_SHOWN_MAX = 120
