"""The world failed. Each error says in one message what happened and what to do.

WorldError
├── ConfigError     cij.toml or the environment is wrong
├── DataError       a source cannot be read, or too many of its rows are bad
├── StoreError      the state file is damaged or of another version
│   ├── StoreLocked     another program has it
│   └── StoreLost       the connection to a server broke in the middle of a transaction
└── DeliveryError   a provider refused; `retry` tells whether to try again
    ├── SenderRefused       the provider takes nothing from this sender
    ├── TransientDelivery   later may go well
    └── PermanentDelivery   never will
"""

from typing import Literal

from cij.runtime.private_values import hidden

_REASON_CHARS_MAX = 500


def reason_of(error: BaseException) -> str:
    """Return an error as one line that a person can read, as it is kept with what was put aside."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return storable(lines[0][:_REASON_CHARS_MAX])


def storable(text: str) -> str:
    """Return a text with an escape in place of each half of a character, which no store takes."""
    return hidden(text).encode("utf-8", "backslashreplace").decode()


class WorldError(Exception):
    """Base. `exit_name` names the exit code of the command line."""

    exit_name: Literal["USAGE", "ERRORS", "CONFIG", "DATA", "STORE", "DELIVERY"] = "CONFIG"


class ConfigError(WorldError):
    exit_name = "CONFIG"


class DataError(WorldError):
    exit_name = "DATA"


class StoreError(WorldError):
    exit_name = "STORE"


class StoreLocked(StoreError):
    """Another program has the state file: mostly a `cij run`."""


class StoreLost(StoreError):
    """The connection to the server of the store broke. Nothing of the open transaction was kept."""


class DeliveryError(WorldError):
    exit_name = "DELIVERY"


class TransientDelivery(DeliveryError):
    """Try again later. `may_have_arrived` when the provider got the message but did not answer."""

    def __init__(self, message: str, *, may_have_arrived: bool = False) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class PermanentDelivery(DeliveryError):
    """Do not try again: the address or the message was refused for good.

    `is_bounce` when it is the address that does not exist, which fails every message to it. `code` is
    that of the provider's answer, None where no provider was asked.
    """

    def __init__(self, message: str, *, is_bounce: bool = False, code: str | None = None) -> None:
        super().__init__(message)
        self.is_bounce = is_bounce
        self.code = code


class SenderRefused(DeliveryError):
    """The provider takes no message with this sender. Those of other senders may go."""
