"""When something is due next: what the scheduler and the simulation go by."""

from datetime import datetime

from cij.runtime import absence, consent, control, suppression
from cij.runtime.admission import next_entry
from cij.runtime.delivery import outbox
from cij.runtime.event_rounds import has_arrivals, next_future_event
from cij.runtime.exports.exporting import next_export
from cij.runtime.segments import has_new_data, next_condition, next_evaluation
from cij.runtime.timers import last_tick
from cij.runtime.world import World


def next_tick(world: World) -> datetime | None:
    """Return when the next tick has something to do; `datetime.min` means at once."""
    if has_arrivals(world) or has_new_data(world) or control.to_make_up(world.engine):
        return datetime.min
    found = [
        world.mover.next_timer(world),
        next_condition(world, control.standing_still(world.engine)),
        next_future_event(world),
        next_entry(world, last_tick(world)),
        next_evaluation(world),
        absence.next_end(world),
        consent.next_due(world),
        suppression.next_due(world.engine),
    ]
    return min((instant for instant in found if instant is not None), default=None)


def next_work(world: World) -> datetime | None:
    """Return when there is something to do next, deliveries and exports included."""
    found = [
        next_tick(world),
        outbox.next_due(world.engine),
        next_export(world.engine, world.program),
    ]
    return min((instant for instant in found if instant is not None), default=None)
