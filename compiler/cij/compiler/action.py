"""Actions in the program: typed calls to the outside."""

from cij.compiler.base_node import BaseNode, Place
from cij.compiler.expression import Expression
from cij.compiler.types import Type


class ActionParameter(BaseNode):
    """`default` takes the place of a value that is not given or missing; it is a constant.

    A parameter that is not required and has no default is null where it is missing.
    """

    name: str
    type: Type
    is_required: bool = True
    default: Expression | None = None


class ActionResult(BaseNode):
    """One value that the outside gives back; nobody promises that it does."""

    name: str
    type: Type


class Action(BaseNode):
    """A call that journeys make with `do`. What it returns are fields of the event `done_by`."""

    name: str
    parameters: tuple[ActionParameter, ...]
    returns: tuple[ActionResult, ...] = ()
    doc: str = ""
    place: Place


def done_by(action: str) -> str:
    """Return the name of the event that an action was done; no author can give it to another."""
    return f"{action}.done"
