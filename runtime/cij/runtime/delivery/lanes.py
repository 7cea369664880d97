"""Lanes: the ways to providers, each with a batch, a brake and a pause of its own.

A channel is one lane. Actions have one for each way that `cij.toml` names, because a receiver that is
silent must not hold up the calls to another.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cij.runtime.delivery.channels.actions import ActionTransport
from cij.runtime.delivery.channels.brake import Brake
from cij.runtime.delivery.channels.gradual_batch import Batch
from cij.runtime.delivery.channels.transport import Transport
from cij.runtime.delivery.composing import Composed
from cij.runtime.delivery.handing_over import hand_over
from cij.runtime.delivery.outbox import Place, Row

# How long to wait before one message is tried after the brake.
BRAKE_PAUSE = timedelta(minutes=5)


@dataclass
class Lane:
    """One way. `rows` are those of the batch under way that nobody has settled, by key.

    With `is_told` the report says that the lane is down, and not that its messages wait.
    """

    name: str
    place: Place
    transport: Transport
    brake: Brake = field(default_factory=Brake)
    batch: Batch | None = None
    rows: dict[str, Row] = field(default_factory=dict)
    locales: Mapping[str, str] = field(default_factory=dict)
    down_until: datetime | None = None
    reason: str = ""
    is_told: bool = True
    began: float = 0.0

    def is_down(self, now: datetime) -> bool:
        """Tell whether nothing is tried now. A clock that went back does not make a pause longer."""
        return self.down_until is not None and now < self.down_until <= now + BRAKE_PAUSE

    def pause(self, until: datetime, reason: str, *, is_told: bool = True) -> None:
        """Try nothing until an instant."""
        self.down_until, self.reason, self.is_told = until, reason, is_told

    def wake(self) -> None:
        """Try again: what held it may be over."""
        self.down_until = None
        if self.brake.is_on:
            self.brake.try_again()

    def begin(
        self, rows: Mapping[str, Row], composed: Composed, on_end: Callable[[], None]
    ) -> None:
        """Hand messages over in a thread of their own."""
        self.rows, self.locales, self.began = dict(rows), composed.locales, time.monotonic()
        self.batch = batch = Batch(composed.prepared, self.brake, on_end)
        for outcome in composed.outcomes:
            batch.add(outcome)
        if not composed.prepared:
            batch.end()
            return
        work = threading.Thread(target=hand_over, args=(self.transport, batch), daemon=True)
        work.start()


def lanes_of(transports: Mapping[str, Transport]) -> list[Lane]:
    """Return the lanes of all channels."""
    return [lane for channel, way in transports.items() for lane in _lanes(channel, way)]


def _lanes(channel: str, way: Transport) -> list[Lane]:
    if not isinstance(way, ActionTransport):
        return [Lane(channel, Place(channel), way)]
    named = frozenset(way.by_action)
    own = [
        Lane(f"{channel} {name}", Place(channel, only=frozenset([name])), one)
        for name, one in way.by_action.items()
    ]
    return [Lane(channel, Place(channel, but=named), way.default), *own]
