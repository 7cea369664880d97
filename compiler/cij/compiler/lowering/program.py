"""Model to program: every kind of declaration is lowered, and journeys get their versions."""

from cij.compiler import program as pg
from cij.compiler.declaration_kinds import DECLARATION_KINDS
from cij.compiler.lowering.versions import versioned
from cij.compiler.model import Model
from cij.compiler.verify import verify


def lower(source: Model) -> pg.Program:
    """Return the program of a model without mistakes. Asserts what every pass must keep."""
    assert source.profile is not None, "a program has a profile"
    parts = {
        kind.collection: kind.lowered(source) for kind in DECLARATION_KINDS if kind.is_in_program
    }
    parts["journeys"] = tuple(versioned(journey, source) for journey in parts["journeys"])
    for journey in parts["journeys"]:
        verify(journey)
    settings = source.settings
    program = pg.Program(
        project=settings.name, timezone=settings.timezone, region=settings.region, **parts
    )
    # No hash covers versions: they follow from what is hashed.
    return program.model_copy(update={"hash": pg.content_hash(program)})
