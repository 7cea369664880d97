"""Delivery of what is due, to its end; and what a crash left under way.

A row is `sending` in the store before anything leaves, so that after a crash it is known which
messages may have left. A channel that is not idempotent notes in its handover file which of them a
connection has really taken.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from cij.compiler.sql import Statement
from cij.runtime.delivery import outbox
from cij.runtime.delivery.channels.route import ways_of
from cij.runtime.delivery.channels.transport import Outcome, Transport
from cij.runtime.delivery.defaults import Defaults
from cij.runtime.delivery.dispatch import Dispatch
from cij.runtime.delivery.drain_report import DrainReport, TakeDone
from cij.runtime.delivery.handing_over import handover_of
from cij.runtime.delivery.settling import Settling
from cij.runtime.engine import Engine
from cij.runtime.moments import fill_moments

# Longer than any batch takes that ends at all.
_WAIT_S = 60.0


def drain(
    engine: Engine,
    transports: Mapping[str, Transport],
    now: datetime,
    *,
    limit: int | None = None,
    recheck: Sequence[Statement] = (),
    defaults: Defaults | None = None,
    take_done: TakeDone = lambda done: None,
) -> DrainReport:
    """Deliver what is due, up to `limit` messages, the oldest of each channel first.

    `recheck` marks queued rows that may not be sent any more, for consent is read again at the
    instant of sending (S20). It may name the parameter `now`. Channels without a transport wait.
    """
    dispatch = Dispatch(engine, transports, defaults or Defaults(), take_done)
    check_again(engine, recheck, now)
    try:
        while True:
            begun = dispatch.begin(now, limit)
            limit = None if limit is None else limit - begun
            if not dispatch.is_busy:
                return dispatch.take_report(now)
            dispatch.wait(_WAIT_S)
            dispatch.collect(now)
    finally:
        dispatch.leave()


def check_again(engine: Engine, recheck: Sequence[Statement], now: datetime) -> None:
    """Settle or postpone what must not be sent now."""
    if recheck:
        fill_moments(engine, now)
    for statement in recheck:
        engine.execute(statement, {"now": now})


def recover(engine: Engine, transports: Mapping[str, Transport], now: datetime) -> outbox.Recovery:
    """Settle what a crash left under way. Call it once, before the first drain.

    What a handover file tells is settled by it: only what a connection had taken and nobody has
    answered is uncertain.
    """
    idempotent = [channel for channel, one in transports.items() if one.is_idempotent]
    with engine.transaction():
        each = [(channel, way) for channel, one in transports.items() for way in ways_of(one)]
        told = sum(_settle_told(engine, channel, way, now) for channel, way in each)
        rest = outbox.recover(engine, idempotent, now)
    return outbox.Recovery(rest.requeued + told, rest.uncertain)


def _settle_told(engine: Engine, channel: str, transport: Transport, now: datetime) -> int:
    """Settle the rows of which a handover file tells; return how many go out again."""
    handover = handover_of(transport)
    left = handover.left() if handover is not None else None
    rows = outbox.claimed(engine, channel, left.token) if left is not None else []
    if left is None or not rows:
        return 0
    settling = Settling(engine, now, lambda done: None)
    for row in rows:
        unsent = None if row.key in left.taken else Outcome(row.key, "unsent")
        outcome = left.heard.get(row.key, unsent)
        if outcome is not None:
            settling.add(row, outcome, None)
    settling.write()
    return sum(1 for s in settling.settlements if s.outcome == "queued")
