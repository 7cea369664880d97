"""Actions in the program: typed calls to other systems."""

from cij.compiler.base_node import BaseNode, Place
from cij.compiler.expression import Expression
from cij.compiler.types import Type


class ActionParameter(BaseNode):
    """`default`, a constant, replaces a value that is not given or missing.

    A parameter that is not required and has no default is null where it is missing.
    """

    name: str
    type: Type
    is_required: bool = True
    default: Expression | None = None


class ActionResult(BaseNode):
    """One value that the other system may return; it is never certain to."""

    name: str
    type: Type


class Action(BaseNode):
    """A call that journeys make with `do`. Its results are the fields of the event `done_by`."""

    name: str
    parameters: tuple[ActionParameter, ...]
    returns: tuple[ActionResult, ...] = ()
    doc: str = ""
    place: Place


def done_by(action: str) -> str:
    """Return the name of the event that reports a finished action. No author can declare it."""
    return f"{action}.done"
