"""Addresses as providers take them. One that is none fails its message for good."""

from collections.abc import Callable
from typing import TypeVar

from cij.compiler import addresses
from cij.runtime.errors import PermanentDelivery

_T = TypeVar("_T")


def mailbox(text: str) -> str:
    """Return the address `text`, its domain in ASCII. Raises PermanentDelivery if it is none."""
    return _required(lambda: addresses.mailbox(text))


def named_mailbox(text: str) -> tuple[str, str]:
    """Return name and address of `Name <address>` or a lone address. Raises PermanentDelivery."""
    return _required(lambda: addresses.named_mailbox(text))


def phone_number(text: str, region: str | None) -> str:
    """Return the number `text` in E.164. Raises PermanentDelivery if it is none."""
    return _required(lambda: addresses.phone_number(text, region))


def _required(make: Callable[[], _T]) -> _T:
    try:
        return make()
    except addresses.NoAddress as error:
        raise PermanentDelivery(str(error)) from error
