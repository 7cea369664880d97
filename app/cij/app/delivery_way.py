"""What the tables of all transports in cij.toml have in common."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cij.app.webhook_rules import fault_of_url
from cij.compiler.addresses import mailbox, named_mailbox


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


class Way(Table):
    """The base of all transports.

    `per_hour` is the limit of the provider, for warnings of simulations.
    """

    per_hour: int | None = Field(default=None, ge=1)
