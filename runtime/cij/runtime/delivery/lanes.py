"""Lanes: the ways to providers, each with a batch, a brake, rates and a pause of its own.

A channel is one lane. Actions have one for each way that `cij.toml` names, because a receiver that is
silent must not hold up the calls to another. A way that stands in for another is a lane of the same rows, and
begins only while the other is down. Each lane claims what it sends, so no message is in two hands.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cij.runtime.delivery.channels.actions import ActionTransport
from cij.runtime.delivery.channels.brake import Brake
from cij.runtime.delivery.channels.gradual_batch import Batch
from cij.runtime.delivery.channels.route import Route, limits_of, ways_of
from cij.runtime.delivery.channels.transport import Transport
from cij.runtime.delivery.composing import Composed
from cij.runtime.delivery.handing_over import hand_over
from cij.runtime.delivery.outbox import Place, Row
from cij.runtime.delivery.pacing import Pacing

# How long to wait before one message is tried after the brake.
BRAKE_PAUSE = timedelta(minutes=5)


@dataclass
class Lane:
    """One way. `rows` are those of the batch under way that nobody has settled, by key.

    With `is_told` the report says that the lane is down, and not that its messages wait. `first` is the lane
    for which this one stands in. `is_doubtful` after an outage, until a message is delivered.
    """

    name: str
    place: Place
    transport: Transport
    pacing: Pacing
    first: "Lane | None" = None
    brake: Brake = field(default_factory=Brake)
    batch: Batch | None = None
    rows: dict[str, Row] = field(default_factory=dict)
    locales: Mapping[str, str] = field(default_factory=dict)
    down_until: datetime | None = None
    reason: str = ""
    is_told: bool = True
    began: float = 0.0
    has_deputy: bool = False
    is_doubtful: bool = False

    def may_begin(self, now: datetime) -> bool:
        """Tell whether the lane is free, and it is its turn."""
        return self.batch is None and not self.is_down(now) and self.is_its_turn(now)

    def is_its_turn(self, now: datetime) -> bool:
        """Tell whether all lanes for which this one stands in are down, or only tried."""
        first = self.first
        if first is None:
            return True
        return (first.is_down(now) or first.is_doubtful) and first.is_its_turn(now)

    def deputy_of(self, lanes: "Sequence[Lane]", now: datetime) -> "Lane | None":
        """Return the lane that takes the messages of this one while it is down."""
        found = next((each for each in lanes if each.first is self), None)
        if found is not None and found.is_down(now):
            return found.deputy_of(lanes, now)
        return found

    @property
    def is_one_by_one(self) -> bool:
        """Tell whether one message shows first whether the provider is there again."""
        # Without a deputy the others would wait as well, so they may as well be in the batch.
        return self.brake.is_trying or (self.has_deputy and self.is_doubtful)

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
    if isinstance(way, Route):
        return _with_deputies(channel, way)
    if not isinstance(way, ActionTransport):
        return [_lane(channel, Place(channel), way)]
    named = frozenset(way.by_action)
    own = [
        _lane(f"{channel} {name}", Place(channel, only=frozenset([name])), one)
        for name, one in way.by_action.items()
    ]
    return [_lane(channel, Place(channel, but=named), way.default), *own]


def _lane(name: str, place: Place, way: Transport) -> Lane:
    return Lane(name, place, way, Pacing(name, limits_of(way)))


def _with_deputies(channel: str, way: Route) -> list[Lane]:
    """Return the lane of a way and of those that stand in for it; each begins while those before are down."""
    found: list[Lane] = []
    for number, each in enumerate(ways_of(way)):
        name = f"{channel} fallback {number}" if number else channel
        lane = _lane(name, Place(channel), each)
        if found:
            lane.first, found[-1].has_deputy = found[-1], True
        found.append(lane)
    return found
