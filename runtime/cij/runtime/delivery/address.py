"""Addresses of email, as SMTP takes them."""

import re
from email.utils import parseaddr
from functools import lru_cache

from cij.runtime.errors import PermanentDelivery

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LOCAL_MAX = 64
_ADDRESS_MAX = 254


def mailbox(text: str) -> str:
    """Return the address `text`, its domain in ASCII. Raises PermanentDelivery if it is none."""
    local, at, domain = text.rpartition("@")
    if not at or not domain:
        raise PermanentDelivery(f"`{_shown(text)}` is not an email address")
    if not local.isascii():
        raise PermanentDelivery(
            f"`{_shown(text)}` has characters before the @ that mail servers do not accept"
        )
    address = f"{local}@{_ascii_domain(domain, text)}"
    if not _LOCAL.fullmatch(local) or len(local) > _LOCAL_MAX or len(address) > _ADDRESS_MAX:
        raise PermanentDelivery(f"`{_shown(text)}` is not an email address")
    return address


@lru_cache(maxsize=256)
def named_mailbox(text: str) -> tuple[str, str]:
    """Return name and address of `Name <address>` or a lone address; they repeat, so cached."""
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise PermanentDelivery(f"`{_shown(text)}` is not an email address")
    name, address = parseaddr(text)
    return name, mailbox(address or text)


def _ascii_domain(domain: str, text: str) -> str:
    try:
        found = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise PermanentDelivery(f"`{_shown(text)}` has no valid domain") from error
    if not all(_LABEL.fullmatch(label) for label in found.split(".")):
        raise PermanentDelivery(f"`{_shown(text)}` has no valid domain")
    return found


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:80])
