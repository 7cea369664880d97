"""The plan: what the store executes, as statements over everybody who moves.

    program --regions--> trees of leaves --advance, entering, reacting--> statements

From a waking to the next rest or end the graph has no time in it. Each such region is a fixed
handful of statements for all who wake there: pick them and the leaf each one reaches, insert
effects and history, move. One transaction holds a tick.
"""

from cij.compiler.sql.plan.build import Resting, journey_plan, make_plan
from cij.compiler.sql.plan.entering import CLEAR_ENTERED
from cij.compiler.sql.plan.falling_due import CLEAR_DUE
from cij.compiler.sql.plan.lifting import (
    CLEAR_MOVED,
    LIFT,
    PUT_BACK,
    TAKE_OUT,
    TAKE_OUT_ALL_DUE,
    TAKE_OUT_DUE,
)
from cij.compiler.sql.plan.measures import measure_query
from cij.compiler.sql.plan.parts import (
    EntryPlan,
    EventPlan,
    FormPlan,
    JourneyPlan,
    Plan,
    RegionPlan,
    SegmentPlan,
    WatchPlan,
)
from cij.compiler.sql.plan.recheck import recheck
from cij.compiler.sql.plan.segments import active_customers, segment_query
from cij.compiler.sql.plan.waking import (
    WAKE_DUE,
    ahead_events,
    arrived_events,
    due_events,
    fresh_events,
    missed_events,
)

__all__ = [
    "CLEAR_DUE",
    "CLEAR_ENTERED",
    "CLEAR_MOVED",
    "LIFT",
    "PUT_BACK",
    "TAKE_OUT",
    "TAKE_OUT_ALL_DUE",
    "TAKE_OUT_DUE",
    "WAKE_DUE",
    "EntryPlan",
    "EventPlan",
    "FormPlan",
    "JourneyPlan",
    "Plan",
    "RegionPlan",
    "Resting",
    "SegmentPlan",
    "WatchPlan",
    "active_customers",
    "ahead_events",
    "arrived_events",
    "due_events",
    "fresh_events",
    "journey_plan",
    "make_plan",
    "measure_query",
    "missed_events",
    "recheck",
    "segment_query",
]
