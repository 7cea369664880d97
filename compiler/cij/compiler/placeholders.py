"""The names that a template reads. Most templates only print names, and need no Liquid for that.

Loading Liquid takes longer than checking a small project, so `liquid_syntax` is asked about those
texts alone that have tags or other filters in them. A test holds the two against each other.
"""

import re
from dataclasses import dataclass

Names = tuple[str, ...]

# `{{ points }}` and `{{ customer.first_name | default: "friend" }}`.
_PRINTED = re.compile(
    r"""
    (?<!\{) \{\{ [ \t\r\n]*
    (?P<path> [A-Za-z_]\w* (?: \.[A-Za-z_]\w* )* ) [ \t\r\n]*
    (?P<default> \| [ \t\r\n]* default [ \t\r\n]* : [ \t\r\n]*
        (?: "[^"\\{}%]*" | '[^'\\{}%]*' ) [ \t\r\n]* )?
    \}\} (?!\})
    """,
    re.VERBOSE | re.ASCII,
)
# What would make it another thing than text: the signs of Liquid.
_SIGNS = re.compile(r"\{[{%#]|[}%]\}")
# Values, and words that mean something to Liquid whatever stands around them.
_WORDS = """
    true false nil null none empty blank and or not in contains if else with as by for cols limit
    offset reversed continue required
"""
_RESERVED = frozenset(_WORDS.split())


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


def placeholders(text: str) -> tuple[list[Placeholder], TemplateError | None]:
    """Return every name that the template reads, in order, and the first error if there is one."""
    found = plain(text)
    if found is not None:
        return found, None
    from cij.compiler.liquid_syntax import walked

    return walked(text)


def plain(text: str) -> list[Placeholder] | None:
    """Return the names of a template that only prints names, or None if it does more."""
    if _SIGNS.search(_PRINTED.sub(" ", text)):
        return None
    found = [_placeholder(match) for match in _PRINTED.finditer(text)]
    return None if any(not _RESERVED.isdisjoint(one.path) for one in found) else found


def _placeholder(match: re.Match[str]) -> Placeholder:
    path = tuple(match["path"].split("."))
    return Placeholder(path, match.start("path"), match["default"] is not None)
