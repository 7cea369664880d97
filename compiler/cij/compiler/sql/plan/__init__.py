"""The plan: the statements that the store executes, each for all customers who move.

    program --regions--> trees of leaves --advance, entering, reacting--> statements

No time passes in a journey between one wait and the next. Each such region is a handful of
statements for all customers in it: find the leaf that each one reaches, write effects and history,
move passages. This is the canonical plan. `cij sql` prints it, every engine can run it, and
`runtime/moving/plain.py` runs it as it is. `cij.compiler.sql.derived` makes forms that are cheaper
in one situation.
"""

from cij.compiler.sql.plan.entering import CLEAR_ENTERED
from cij.compiler.sql.plan.measures import measure_query
from cij.compiler.sql.plan.plan_parts import (
    EntryPlan,
    EventPlan,
    JourneyPlan,
    Plan,
    RegionPlan,
    SegmentPlan,
    SharedPlan,
    WatchPlan,
)
from cij.compiler.sql.plan.planner import Resting, journey_plan, make_plan
from cij.compiler.sql.plan.recheck import recheck
from cij.compiler.sql.plan.segments import active_customers, segment_query
from cij.compiler.sql.plan.waking import (
    WAKE_BEFORE_EVENTS,
    WAKE_DUE,
    WAKE_FIRST,
    ahead_events,
    arrived_events,
    due_events,
    fresh_events,
    missed_events,
)

__all__ = [
    "CLEAR_ENTERED",
    "WAKE_BEFORE_EVENTS",
    "WAKE_DUE",
    "WAKE_FIRST",
    "EntryPlan",
    "EventPlan",
    "JourneyPlan",
    "Plan",
    "RegionPlan",
    "Resting",
    "SegmentPlan",
    "SharedPlan",
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
