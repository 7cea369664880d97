"""The token that a provider gives for a while, and by which it knows the calls of that time."""

import time
from dataclasses import dataclass, field

from cij.runtime.delivery.channels.providers.api_call import Answer
from cij.runtime.errors import DeliveryError

# A batch that begins with a token ends before the token does.
_SPARE_S = 300.0
_LIFE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and until when it is used, by the clock that nobody sets."""

    text: str = field(default="", repr=False)
    until: float = 0.0

    @property
    def is_good(self) -> bool:
        """Tell whether it can be used for a batch."""
        return bool(self.text) and time.monotonic() < self.until


def token_of(answer: Answer, place: str) -> Token:
    """Return the token of an answer (RFC 6749, 5.1). Raises: DeliveryError."""
    text = answer.body.get("access_token")
    if (
        answer.status != 200
        or not isinstance(text, str)
        or not (text.isascii() and text.isprintable())
    ):
        why = answer.text("error_description") or answer.text("error") or str(answer.status)
        raise DeliveryError(f"{place} gives no token for the key: {why}")
    life = answer.body.get("expires_in")
    seconds = float(life) if isinstance(life, int) and not isinstance(life, bool) else _LIFE_S
    return Token(text, time.monotonic() + max(0.0, seconds - _SPARE_S))
