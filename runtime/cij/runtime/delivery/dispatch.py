"""Delivers by all lanes at once. The thread that calls has the store; those of the lanes have none.

    begin    claim what is due of each free lane, and hand it over
    collect  settle what the lanes have heard so far
    recall   take back what no connection has taken

Nothing here waits for a provider, except `finish`: timers, events and orders go on meanwhile.
"""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cij.runtime.delivery import outbox
from cij.runtime.delivery.channels.route import sender_of
from cij.runtime.delivery.channels.transport import Outcome, Transport
from cij.runtime.delivery.composing import Composed, composed
from cij.runtime.delivery.defaults import Defaults
from cij.runtime.delivery.drain_report import DrainReport, TakeDone
from cij.runtime.delivery.handing_over import handover_of
from cij.runtime.delivery.lanes import BRAKE_PAUSE, Lane, lanes_of
from cij.runtime.delivery.ledger import Ledger, mark_of
from cij.runtime.delivery.outbox import Row
from cij.runtime.delivery.pacing import forget_others
from cij.runtime.delivery.settling import PAUSE, Settling
from cij.runtime.engine import Engine
from cij.runtime.errors import DeliveryError
from cij.runtime.store import aside, meta, sent_before

BATCH_ROWS = 500
_SENT_BEFORE = "it was sent before the state went back to an older one"
_KIND: aside.Kind = "channel"


@dataclass
class Dispatch:
    """The lanes of a run. `report` has what became of messages since it was last taken."""

    engine: Engine
    transports: Mapping[str, Transport]
    defaults: Defaults
    take_done: TakeDone = lambda done: None
    ledger: Ledger = field(default_factory=lambda: Ledger(None))
    report: DrainReport = field(default_factory=DrainReport)

    def __post_init__(self) -> None:
        self.lanes = lanes_of(self.transports)
        self._is_changed = threading.Event()
        self._store = meta.value(self.engine, meta.STORE_ID) or ""
        self._handed = int(meta.value(self.engine, meta.HANDED) or 0)
        self._braked = {name for name, *_ in self._hold()}
        forget_others(self.engine, (lane.pacing for lane in self.lanes))
        for lane in self.lanes:
            lane.pacing.load(self.engine)

    def _hold(self) -> list[tuple[str, datetime, str, str]]:
        """Go on where an earlier run has put the brake on; return what it noted."""
        found = aside.of_kind(self.engine, _KIND)
        for name, since, reason, code in found:
            for lane in self.lanes:
                if lane.name == name:
                    lane.brake.hold(code)
                    lane.pause(since + BRAKE_PAUSE, reason)
                    lane.is_doubtful = True
        return found

    @property
    def is_busy(self) -> bool:
        """Tell whether messages are under way."""
        return any(lane.batch is not None for lane in self.lanes)

    def is_free(self, now: datetime) -> bool:
        """Tell whether a lane could begin something."""
        return any(lane.may_begin(now) for lane in self.lanes)

    def errors(self, now: datetime) -> dict[str, str]:
        """Return why lanes are down for which none stands in, by their names."""
        return {
            one.name: one.reason for one in self._down(now) if not one.deputy_of(self.lanes, now)
        }

    def _diverted(self, now: datetime) -> dict[str, str]:
        """Return why other lanes take the messages of lanes that are down, by both names."""
        pairs = ((one, one.deputy_of(self.lanes, now)) for one in self._down(now))
        return {f"{one.name}, {to.name}": one.reason for one, to in pairs if to is not None}

    def _down(self, now: datetime) -> list[Lane]:
        return [one for one in self.lanes if one.is_told and one.is_down(now)]

    def _held(self, now: datetime) -> dict[str, str]:
        """Return the rates that hold messages back which could go otherwise, by names of lanes."""
        due = ((one, outbox.next_due(self.engine, one.place)) for one in self._paced(now))
        return {one.name: one.pacing.held_by(now) for one, at in due if at and at <= now}

    def _paced(self, now: datetime) -> list[Lane]:
        """Return the lanes whose turn it is, and whose rates hold something back."""
        free = [lane for lane in self.lanes if lane.may_begin(now)]
        return [lane for lane in free if lane.pacing.next_at(now) is not None]

    @property
    def age_s(self) -> float:
        """How long ago the oldest batch under way was checked."""
        began = [lane.began for lane in self.lanes if lane.batch is not None]
        return time.monotonic() - min(began) if began else 0.0

    def take_report(self, now: datetime) -> DrainReport:
        """Return what became of messages since the last call."""
        found, self.report = self.report, DrainReport()
        found.channel_errors |= self.errors(now)
        found.diverted |= self._diverted(now)
        found.held |= self._held(now)
        return found

    def next_due(self, now: datetime) -> datetime | None:
        """Return when a lane may begin something next; a lane that is at work tells by itself."""
        free = [lane for lane in self.lanes if lane.batch is None and lane.is_its_turn(now)]
        is_any_down = any(lane.is_down(now) for lane in free)
        if not (self.is_busy or is_any_down or self._paced(now)):
            return outbox.next_due(self.engine)
        found = [self._next_of(lane, now) for lane in free]
        return min((instant for instant in found if instant is not None), default=None)

    def _next_of(self, lane: Lane, now: datetime) -> datetime | None:
        if lane.is_down(now):
            due = outbox.next_due(self.engine, lane.place)
            return max(due, lane.down_until) if due and lane.down_until else due
        at = lane.pacing.next_at(now)
        if at is None:
            return outbox.next_due(self.engine, lane.place)
        due = outbox.next_due(self.engine, lane.place)
        later = [max(due, at)] if due is not None else []
        if lane.pacing.room(now, 1):
            # Only some domains are full; others go on.
            place = replace(lane.place, full=lane.pacing.full(now))
            later += filter(None, [outbox.next_due(self.engine, place)])
        return min(later, default=None)

    # --- begin -----------------------------------------------------------------------------------

    def begin(self, now: datetime, limit: int | None = None) -> int:
        """Begin a batch in each free lane, with up to `limit` messages in all; return their number."""
        begun = 0
        for lane in self.lanes:
            if lane.may_begin(now):
                left = None if limit is None else limit - begun
                begun += self._begin(lane, now, left)
        return begun

    def _begin(self, lane: Lane, now: datetime, limit: int | None) -> int:
        if lane.pacing.room(now, 1) < 1:
            return 0
        lane.wake()
        # After the brake one message shows whether the cause is gone.
        size = 1 if lane.is_one_by_one else BATCH_ROWS
        size = lane.pacing.room(now, size if limit is None else min(size, limit))
        place = replace(lane.place, full=lane.pacing.full(now))
        rows = lane.pacing.those_that_may(outbox.due(self.engine, place, now, size), now)
        if not rows:
            return 0
        rows = self._not_sent_before(rows, now)
        by_key = {row.key: row for row in rows}
        assert len(by_key) == len(rows), "two rows of the outbox have one key"
        try:
            made = self._claim(lane, rows, now) if rows else Composed()
        except DeliveryError as error:
            lane.pause(now + PAUSE, str(error))
            return 0
        lane.begin(by_key, made, self._is_changed.set)
        return len(rows)

    def _claim(self, lane: Lane, rows: Sequence[Row], now: datetime) -> Composed:
        """Write the messages, and note everywhere that they are handed over. Raises: DeliveryError."""
        own = sender_of(lane.transport)
        defaults = replace(self.defaults, sender=own) if own else self.defaults
        made = composed(self.engine, rows, defaults, self._store)
        handover = handover_of(lane.transport)
        # The file is there before the store names it: a crash between both leaves the rows queued.
        token = handover.begin(one.key for one in made.prepared) if handover else None
        number = self._handed + 1
        with self.engine.transaction():
            outbox.claim(self.engine, rows, token, number)
            lane.pacing.take(rows, now)
            lane.pacing.note(self.engine, now)
        self._handed = number
        try:
            # After the store: a state that is ahead of its ledger has claimed what never left.
            self.ledger.note(self._store, number, rows, now)
        except DeliveryError:
            outbox.recall(self.engine, rows)
            lane.pacing.give_back(rows, now)
            raise
        return made

    def _not_sent_before(self, rows: Sequence[Row], now: datetime) -> list[Row]:
        """Return the rows without those that a newer state had sent, which become uncertain."""
        marks = {row.key: mark_of(row) for row in rows}
        known = sent_before.known(self.engine, json.dumps([*marks.values()]))
        found = [row for row in rows if marks[row.key] in known]
        if found:
            settling = Settling(self.engine, now, self.take_done)
            for row in found:
                settling.add(row, Outcome(row.key, "uncertain", _SENT_BEFORE), None)
            with self.engine.transaction():
                outbox.claim(self.engine, found, None)
                settling.write()
                sent_before.use_up(self.engine, json.dumps([marks[row.key] for row in found]))
            for settlement in settling.settlements:
                self.report.add(settlement)
        return [row for row in rows if marks[row.key] not in known]

    # --- collect ---------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Wait until a batch is over, but not longer than some time."""
        if self.is_busy and self._is_changed.wait(seconds):
            self._is_changed.clear()

    def collect(self, now: datetime) -> None:
        """Settle what was heard, and free the lanes whose batch is over.

        Raises what ended the thread of a lane where it was no failure of one message.
        """
        for lane in self.lanes:
            if lane.batch is not None:
                self._collect(lane, now)

    def _collect(self, lane: Lane, now: datetime) -> None:
        batch = lane.batch
        assert batch is not None, f"nothing is under way in {lane.name}"
        # Asked first: what is heard after this is for the next call.
        is_over = batch.is_over
        if batch.broken is not None:
            raise batch.broken
        self._settle(lane, batch.take_heard(), now)
        if not is_over:
            return
        self._take_back(lane, now)
        assert not lane.rows, f"no outcome for {len(lane.rows)} messages"
        lane.batch = None
        if lane.brake.is_on and lane.brake.reason is not None:
            self._brake(lane, lane.brake.reason, now)

    def _settle(self, lane: Lane, outcomes: Sequence[Outcome], now: datetime) -> None:
        if not outcomes:
            return
        settling = Settling(self.engine, now, self.take_done)
        for outcome in outcomes:
            row = lane.rows.pop(outcome.key)
            settling.add(row, outcome, lane.locales.get(row.key))
            self._note(lane, row, outcome, now)
        self._divert(lane, outcomes, now)
        settling.write()
        self.report.done += len(settling.done)
        for settlement in settling.settlements:
            self.report.add(settlement)
        if lane.name in self._braked and any(o.status == "delivered" for o in outcomes):
            self._braked.discard(lane.name)
            with self.engine.transaction():
                aside.forget(self.engine, _KIND, lane.name)

    def _note(self, lane: Lane, row: Row, outcome: Outcome, now: datetime) -> None:
        reason = outcome.reason or "the channel is down"
        if outcome.status in ("unsent", "later", "held"):
            lane.pacing.give_back([row], now)
        if outcome.status == "delivered":
            lane.is_doubtful = False
        elif outcome.status == "unsent":
            lane.pause(now + PAUSE, reason)
            lane.is_doubtful = True
        elif outcome.status in ("later", "held"):
            self.report.receiver_errors.setdefault(row.message, reason)
            if outcome.status == "later":
                lane.pause(now + PAUSE, reason, is_told=False)

    def _divert(self, lane: Lane, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Leave what comes next to the way that stands in, where a provider confirms nothing."""
        lost = [one for one in outcomes if one.status == "uncertain"]
        if lane.has_deputy and lost and not any(one.status == "delivered" for one in outcomes):
            lane.pause(now + PAUSE, lost[0].reason or "")
            lane.is_doubtful = True

    def _brake(self, lane: Lane, reason: str, now: datetime) -> None:
        """Hold a lane, and note that for later runs and for `cij status`."""
        lane.pause(now + BRAKE_PAUSE, reason)
        lane.is_doubtful = True
        self._braked.add(lane.name)
        with self.engine.transaction():
            aside.put(self.engine, _KIND, lane.name, reason, now, was=lane.brake.code)

    # --- recall ----------------------------------------------------------------------------------

    def recall(self, now: datetime, patience_s: float) -> None:
        """Queue again what no connection has taken, and settle what comes within some time."""
        for lane in self.lanes:
            self._take_back(lane, now)
        end = time.monotonic() + patience_s
        while self.is_busy and (left := end - time.monotonic()) > 0:
            self.wait(left)
            self.collect(now)
        self.collect(now)

    def _take_back(self, lane: Lane, now: datetime) -> None:
        messages = lane.batch.recall() if lane.batch is not None else []
        lane.began = time.monotonic()
        if messages:
            rows = [lane.rows.pop(one.key) for one in messages]
            outbox.recall(self.engine, rows)
            lane.pacing.give_back(rows, now)

    def finish(self, now: datetime) -> None:
        """Begin nothing more, and settle what connections have in their hands."""
        while self.is_busy:
            self.recall(now, PAUSE.total_seconds())

    def release_brakes(self) -> None:
        """Try again where the brake is on: somebody says that the cause is mended."""
        with self.engine.transaction():
            for name in sorted(self._braked):
                aside.forget(self.engine, _KIND, name)
        for lane in self.lanes:
            if lane.name in self._braked:
                lane.brake.release()
                lane.down_until, lane.is_doubtful = None, False
        self._braked.clear()

    def leave(self) -> None:
        """Begin nothing more, after a failure of the store: the next run settles what is under way."""
        for lane in self.lanes:
            if lane.batch is not None:
                lane.batch.recall()
        self.ledger.close()
