"""Forms: journeys that differ in nothing but their names are moved by the same statements.

Copies of a journey, and versions of one that differ in what is asked at the door. Of a hundred
journeys that are woken at once as many statements are run as there are forms; and as there are ways
to go on, where journeys of several forms go on alike from where people are woken.
"""

from cij.compiler import program as pg
from cij.compiler.sql.plan.context import Context
from cij.compiler.sql.plan.regions import Region

# What decides who comes in and when, and nothing behind the door.
_AT_THE_DOOR = {
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


def form_key(context: Context) -> str:
    """Return what all journeys of one form have in common."""
    journey = context.journey
    changed = dict(_AT_THE_DOOR) if _says_its_name(context) else _AT_THE_DOOR | {"name": ""}
    # What is referred to is that of the same program.
    return pg.content_hash([context.program.hash, journey.model_copy(update=changed)])


def region_key(context: Context, region: Region) -> str:
    """Return what all journeys have in common that go on alike from the root of a region."""
    journey = context.journey
    if _says_its_name(context):
        # What statements say may lie anywhere in the journey.
        return f"{form_key(context)} {region.root}"
    reached = {visit.state for leaf in region.leaves for visit in leaf.visits}
    reached |= {leaf.final.id for leaf in region.leaves}
    states = tuple(state for state in journey.states if state.id in reached)
    changed = _AT_THE_DOOR | {"name": "", "start": region.root, "states": states}
    # Where a region is cut depends on the whole journey, so the ways through it are compared too.
    ways = [[leaf.path, leaf.is_cut, leaf.final.id] for leaf in region.leaves]
    acts = (state for state in states if isinstance(state, pg.ActState))
    # Whoever is in two journeys has each of them read what the other has set.
    own = journey.version if any(isinstance(a.effect, pg.SetEffect) for a in acts) else ""
    return pg.content_hash([context.program.hash, journey.model_copy(update=changed), ways, own])


def _says_its_name(context: Context) -> bool:
    """Tell whether statements hold the name of the journey: for winners and results of calls."""
    effects = [s.effect for s in context.journey.states if isinstance(s, pg.ActState)]
    answered = {a.name for a in context.program.actions if a.returns}
    calls = any(isinstance(e, pg.DoEffect) and e.action in answered for e in effects)
    return calls or any(isinstance(e, pg.ArmEffect) for e in effects)
