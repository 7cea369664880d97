"""Policies in the program: contact rules over all journeys (S16 to S18, S20)."""

from cij.compiler.base_node import BaseNode, Place
from cij.compiler.expression import Cap, Expression, Hours

# The topic whose messages know neither caps nor quiet hours, and may need no consent (S18).
TRANSACTIONAL = "transactional"


class Never(BaseNode):
    """`never send sms when C`; no channel means any."""

    policy: str
    channel: str | None = None
    condition: Expression


class Policy(BaseNode):
    """Rules for every send of the project; those of several policies hold together."""

    name: str
    requires_consent: bool = False
    quiet: tuple[Hours, ...] = ()
    caps: tuple[Cap, ...] = ()
    never: tuple[Never, ...] = ()
    place: Place
