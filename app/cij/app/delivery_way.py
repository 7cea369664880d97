"""What the tables of all transports in cij.toml have in common."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator

from cij.app.webhook_rules import fault_of_url
from cij.compiler.addresses import mailbox, named_mailbox
from cij.runtime.rates import EACH_OTHER, Limits, Rate, WarmUp, rate_of


class Table(BaseModel):
    # An unknown key is an error, because a misspelt setting would have no effect without it.
    model_config = ConfigDict(extra="forbid", frozen=True)


def _is_sender(text: str | None) -> str | None:
    """Require an address, with or without a name: a wrong one would fail every message."""
    if text is not None:
        # NoAddress is a ValueError, so pydantic reports it as a mistake of this setting.
        named_mailbox(text)
    return text


Sender = Annotated[str, AfterValidator(_is_sender)]


def _as_unsubscribe(text: str | None) -> str | None:
    """Return a web address or `mailto:` for the header List-Unsubscribe; a mailbox becomes one."""
    if text is None or text.startswith(("https://", "http://")):
        fault = fault_of_url(text, allows_http=True) if text is not None else None
        if fault or (text is not None and not re.fullmatch(r"[!-=?-~]{1,900}", text)):
            raise ValueError(f"`{text}` {fault or 'has characters that no web address has'}")
        return text
    address, mark, query = text.removeprefix("mailto:").partition("?")
    return f"mailto:{mailbox(address)}{mark}{query}"


Unsubscribe = Annotated[str | None, AfterValidator(_as_unsubscribe)]


def _as_rate(text: object) -> Rate:
    return rate_of(text if isinstance(text, str) else "")


def _as_domain(text: str) -> str:
    if text != EACH_OTHER and not re.fullmatch(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+", text):
        raise ValueError(f"`{text[:80]}` is no domain such as gmail.com, and not `*`")
    return text.lower()


_Rate = Annotated[Rate, PlainValidator(_as_rate)]
_Domain = Annotated[str, AfterValidator(_as_domain)]


class WarmUpTable(Table):
    """`warm_up` of a way: on the day `from` go `first_day` messages, and each day `growth` times as many.

    It ends when a day has `to`.
    """

    since: date = Field(alias="from")
    first_day: int = Field(ge=1, le=1_000_000)
    growth: float = Field(default=2.0, gt=1, le=10)
    to: int = Field(ge=1, le=1_000_000_000)


class Way(Table):
    """The base of all transports.

    `per_hour` is the limit of the provider, for warnings of simulations; without it that is the `rate`. No more
    than `rate` are sent.
    """

    per_hour: int | None = Field(default=None, ge=1)
    rate: _Rate | None = None
    warm_up: WarmUpTable | None = None

    def limits(self) -> Limits:
        """Return the rates of this way."""
        warm = self.warm_up
        grows = WarmUp(warm.since, warm.first_day, warm.growth, warm.to) if warm else None
        return Limits(self.rate, dict(self.rates_by_domain()), grows)

    def rates_by_domain(self) -> Mapping[str, Rate]:
        """Return the rates of domains; only ways of mail have any."""
        return {}

    def most_per_hour(self) -> int | None:
        """Return how many messages can go in an hour; None where nothing is known."""
        return self.per_hour or (self.rate.per_hour if self.rate else None)


class MailWay(Way):
    """The base of all ways of mail. `domains` are the rates of single domains of recipients."""

    domains: dict[_Domain, _Rate] = Field(default_factory=dict)

    def rates_by_domain(self) -> Mapping[str, Rate]:
        return self.domains
