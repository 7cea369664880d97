"""Plan sharing: journeys that differ only in their names are moved by the same statements.

Such journeys are copies of one journey, or versions of it that differ only in who may enter. A
hundred journeys that move at once then need one set of statements for each class of equal journeys.
Journeys of different classes can still share the statements of one region, where it is the same in
all of them.
"""

from cij.compiler import expression as ex, program as pg
from cij.compiler.effect import changes_customer
from cij.compiler.sql.plan.context import Context
from cij.compiler.sql.plan.regions import Region
from cij.compiler.sql.plan.series import series_of
from cij.compiler.walk import walk

# Settings that decide who enters and when. They have no influence on statements of regions.
_OF_ENTRY = {
    "again": "never",
    "again_after": None,
    "suppress": None,
    "limit": None,
    "starts": None,
    "ends": None,
    "is_draft": False,
    "priority": 0,
    "holdout": None,
    "removed": (),
    "in_flight": "pin",
}


def journey_key(context: Context) -> str:
    """Return the key of the class of journeys that can share all statements."""
    journey = context.journey
    changed = dict(_OF_ENTRY) if _holds_its_name(context) else _OF_ENTRY | {"name": ""}
    # The hash of the program is in the key, because a name refers to the same declaration only
    # within one.
    return pg.content_hash([context.program.hash, journey.model_copy(update=changed)])


def region_key(context: Context, region: Region) -> str:
    """Return the key of the journeys that can share the statements of a region."""
    journey = context.journey
    if _holds_its_name(context):
        # A statement with the name of the journey may be in any region.
        return f"{journey_key(context)} {region.root}"
    reached = {visit.state for leaf in region.leaves for visit in leaf.visits}
    reached |= {leaf.final.id for leaf in region.leaves}
    states = tuple(state for state in journey.states if state.id in reached)
    changed = _OF_ENTRY | {"name": "", "start": region.root, "states": states}
    # The cuts of a region depend on the whole journey, so its paths are part of the key.
    ways = [[leaf.path, leaf.is_cut, leaf.final.id] for leaf in region.leaves]
    acts = (state for state in states if isinstance(state, pg.ActState))
    # A customer may be in two journeys, and each has to read what the other has set before. One
    # statement for both could not do that.
    own = journey.version if any(changes_customer(a.effect) for a in acts) else ""
    # Whether a wait is in a series depends on the whole journey, too.
    series = sorted(series_of(journey) & reached)
    parts = [context.program.hash, journey.model_copy(update=changed), ways, own, series]
    return pg.content_hash(parts)


def _holds_its_name(context: Context) -> bool:
    """Tell whether statements contain the name of the journey, for winners of splits, results of
    calls or interactions with one message."""
    effects = [s.effect for s in context.journey.states if isinstance(s, pg.ActState)]
    answered = {a.name for a in context.program.actions if a.returns}
    calls = any(isinstance(e, pg.DoEffect) and e.action in answered for e in effects)
    if calls or any(isinstance(e, pg.ArmEffect) for e in effects):
        return True
    return any(isinstance(part, ex.OfMessage) for part in walk(context.journey))
