"""A way to a provider as `cij.toml` declares it: its rates and its sender, and the ways that stand in for it."""

from collections.abc import Sequence

from cij.runtime.delivery.channels.transport import Outcome, Prepared, Transport
from cij.runtime.delivery.handover import Handover
from cij.runtime.rates import Limits


class Route:
    """A transport with `limits`. `fallback` are the ways that take its messages while it is down.

    `sender` is that of messages that name none. Delivery makes a lane of each way (`lanes.py`), which claims its
    own messages, so no message is in the hands of two.
    """

    def __init__(
        self,
        transport: Transport,
        limits: Limits,
        sender: str | None = None,
        fallback: Sequence["Route"] = (),
    ) -> None:
        self.transport, self.limits, self.sender = transport, limits, sender
        self.fallback = tuple(fallback)
        # One key at two providers is two messages.
        self.is_idempotent = transport.is_idempotent and not self.fallback

    @property
    def handover(self) -> Handover | None:
        return getattr(self.transport, "handover", None)

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        """Deliver by this way alone."""
        return self.transport.deliver(batch)

    def close(self) -> None:
        self.transport.close()
        for way in self.fallback:
            way.close()


def ways_of(transport: Transport) -> list[Transport]:
    """Return a way and those that stand in for it."""
    return [transport, *transport.fallback] if isinstance(transport, Route) else [transport]


def limits_of(transport: Transport) -> Limits:
    """Return the rates of a way."""
    return transport.limits if isinstance(transport, Route) else Limits()


def sender_of(transport: Transport) -> str | None:
    """Return the sender of a way that has one of its own."""
    return transport.sender if isinstance(transport, Route) else None
