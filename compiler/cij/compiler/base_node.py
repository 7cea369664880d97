"""The base class of every value the compiler makes, and the place in a file that such a value remembers."""

from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict


class BaseNode(BaseModel):
    """A value that the compiler makes, and that a program in JSON is read back into.

    What is read is validated. What the compiler makes is not: the type checkers have looked at it,
    and validators of types that contain one another take longer to build than a project to check.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    if not TYPE_CHECKING:

        def __init__(self, /, **values: Any) -> None:
            # In the order of the fields, for that is the order in JSON.
            object.__setattr__(self, "__dict__", {**_blank(type(self)), **values})
            object.__setattr__(self, "__pydantic_fields_set__", set(values))
            object.__setattr__(self, "__pydantic_extra__", None)
            object.__setattr__(self, "__pydantic_private__", None)

        # Without it pydantic would call this to validate, too.
        __init__.__pydantic_base_init__ = True


@cache
def _blank(kind: type[BaseNode]) -> dict[str, Any]:
    """Return the defaults of all fields; a field that has none is undefined until it is given."""
    return {name: field.default for name, field in kind.__pydantic_fields__.items()}


class Place(BaseNode):
    """Where something is written. Messages and explanations use it; no hash covers it."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
