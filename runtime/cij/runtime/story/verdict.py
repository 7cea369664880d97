"""What a story finds out."""

from dataclasses import dataclass

from cij.compiler.program import Place


@dataclass(frozen=True, slots=True)
class Finding:
    """What is the case instead of what was expected; `hint` tells an obvious reason."""

    found: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A statement that did not come true. `trace` is what happened to the customer, by line."""

    place: Place
    statement: str
    customer: str
    found: str
    hint: str | None
    trace: tuple[str, ...]
