"""What the thread of a lane does: it hands a batch to the transport, and touches no store."""

from cij.runtime.delivery.channels.gradual_batch import Batch
from cij.runtime.delivery.channels.transport import Outcome, Prepared, Status, Transport
from cij.runtime.delivery.handover import Handover, Left
from cij.runtime.errors import WorldError, reason_of


def handover_of(transport: Transport) -> Handover | None:
    """Return the handover file of a transport that has one."""
    return getattr(transport, "handover", None)


def hand_over(transport: Transport, batch: Batch) -> None:
    """Deliver a batch. Whatever breaks, the batch ends."""
    broken: BaseException | None = None
    try:
        for outcome in _delivered(transport, batch):
            batch.add(outcome)
    except BaseException as error:  # noqa: BLE001 - raised again by the thread that has the store
        broken = error
    batch.end(broken)


def _delivered(transport: Transport, batch: Batch) -> list[Outcome]:
    """Hand messages over. Where the transport itself breaks, each goes alone or counts as uncertain."""
    try:
        return transport.deliver(batch)
    except Exception as error:  # noqa: BLE001 - whatever it is, other channels go on (S28)
        reason = reason_of(error)
        is_of_world = isinstance(error, WorldError)
    unheard = batch.take_unheard()
    if transport.is_idempotent and is_of_world:
        return [Outcome(one.key, "unsent", reason) for one in unheard]
    if transport.is_idempotent:
        return [outcome for one in unheard for outcome in _alone(transport, one)]
    handover = handover_of(transport)
    left = handover.left() if handover is not None else None
    broken = [_broken(one, "uncertain", reason) for one in unheard]
    return broken if left is None else [_as_noted(one, left) for one in broken]


def _alone(transport: Transport, one: Prepared) -> list[Outcome]:
    try:
        return transport.deliver([one])
    except Exception as error:  # noqa: BLE001 - whatever it is, it is of this message
        return [_broken(one, "failed", reason_of(error))]


def _broken(one: Prepared, status: Status, reason: str) -> Outcome:
    return Outcome(one.key, status, f"the channel broke: {reason}")


def _as_noted(broken: Outcome, left: Left) -> Outcome:
    """Return what became of a message by the handover file: what was never taken is not in doubt."""
    if broken.key in left.heard:
        return left.heard[broken.key]
    return broken if broken.key in left.taken else Outcome(broken.key, "unsent", broken.reason)
