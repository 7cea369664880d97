"""A place in a template where a name is read, and what is wrong with a template."""

from dataclasses import dataclass

Names = tuple[str, ...]


@dataclass(frozen=True)
class Placeholder:
    """One place where a name is read. `index` counts code points from the start of the text.

    `has_default`: by the filter, or a condition around it makes sure that the value is known.
    `is_tested`: it stands in a condition or a loop head, where a missing value does no harm.
    """

    path: Names
    index: int
    has_default: bool = False
    is_tested: bool = False


@dataclass(frozen=True)
class TemplateError:
    """What is wrong with a template, at a code point of its text."""

    message: str
    index: int
