"""The plan: what the store executes, as statements over everybody who moves.

    program --regions--> trees of leaves --advance, entering, reacting--> statements

Between one wait and the next no time passes in a journey. Each such region is a handful of statements
for all who move there: pick them and the leaf each one reaches, write effects and history, move. This is
the canonical plan: what `cij sql` prints, what every engine can run, and what `runtime/moving/plain.py`
runs as it is. Forms of it that are cheaper in some case are made in `cij.compiler.sql.derived`.
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
    WAKE_DUE,
    ahead_events,
    arrived_events,
    due_events,
    fresh_events,
    missed_events,
)

__all__ = [
    "CLEAR_ENTERED",
    "WAKE_DUE",
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
