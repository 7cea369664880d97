"""The customer's fields that a passage keeps as they were at entry (S11)."""

from cij.compiler import expression as ex, program as pg
from cij.compiler.walk import walk


def with_kept(journey: pg.Journey) -> pg.Journey:
    """Return the journey with the fields that `at entry` reads anywhere in it."""
    found = {
        part.name: pg.KeptField(name=part.name, type=part.type)
        for part in walk(journey)
        if isinstance(part, ex.AtEntry)
    }
    kept = tuple(found[name] for name in sorted(found))
    return journey.model_copy(update={"kept": kept}) if kept else journey
