"""The results of expectations."""

from dataclasses import dataclass

from cij.compiler.program import Place


@dataclass(frozen=True, slots=True)
class Finding:
    """What is true instead of the expectation. `hint` is a reason, where one is certain."""

    found: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A statement that failed. `trace` is what happened to the customer, by line."""

    place: Place
    statement: str
    customer: str
    found: str
    hint: str | None
    trace: tuple[str, ...]
