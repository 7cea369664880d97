"""Plan sharing: journeys that differ in nothing but their names are moved by the same statements.

These are copies of a journey, and versions of one that differ only in who may enter. Of a hundred
journeys that move at once as many statements run as there are classes of equal journeys; where journeys
of several classes go on alike from one root, as many as there are such ways.
"""

from cij.compiler import program as pg
from cij.compiler.sql.plan.context import Context
from cij.compiler.sql.plan.regions import Region

# Settings that decide who enters and when, and nothing after that.
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
    """Return what all journeys have in common that can share all statements."""
    journey = context.journey
    changed = dict(_OF_ENTRY) if _holds_its_name(context) else _OF_ENTRY | {"name": ""}
    # A reference means the same thing within one program.
    return pg.content_hash([context.program.hash, journey.model_copy(update=changed)])


def region_key(context: Context, region: Region) -> str:
    """Return what all journeys have in common that go on alike from the root of a region."""
    journey = context.journey
    if _holds_its_name(context):
        # A statement with the name in it may be anywhere in the journey.
        return f"{journey_key(context)} {region.root}"
    reached = {visit.state for leaf in region.leaves for visit in leaf.visits}
    reached |= {leaf.final.id for leaf in region.leaves}
    states = tuple(state for state in journey.states if state.id in reached)
    changed = _OF_ENTRY | {"name": "", "start": region.root, "states": states}
    # Where a region is cut depends on the whole journey, so the ways through it are compared too.
    ways = [[leaf.path, leaf.is_cut, leaf.final.id] for leaf in region.leaves]
    acts = (state for state in states if isinstance(state, pg.ActState))
    # A customer in two journeys: each has to read what the other has set before.
    own = journey.version if any(isinstance(a.effect, pg.SetEffect) for a in acts) else ""
    return pg.content_hash([context.program.hash, journey.model_copy(update=changed), ways, own])


def _holds_its_name(context: Context) -> bool:
    """Tell whether statements hold the name of the journey: for winners and results of calls."""
    effects = [s.effect for s in context.journey.states if isinstance(s, pg.ActState)]
    answered = {a.name for a in context.program.actions if a.returns}
    calls = any(isinstance(e, pg.DoEffect) and e.action in answered for e in effects)
    return calls or any(isinstance(e, pg.ArmEffect) for e in effects)
