"""The names that a template reads. Most templates only print names, and need no Liquid for that.

Only texts with tags or other filters go to `liquid_syntax`, because loading Liquid takes longer than
checking a small project. A test compares the two.
"""

import re

from cij.compiler.placeholder import Placeholder, TemplateError

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


def placeholders(text: str) -> tuple[list[Placeholder], TemplateError | None]:
    """Return every name that the template reads, in order, and the first error if there is one."""
    found = plain(text)
    if found is not None:
        return found, None
    # Not above: loading Liquid takes longer than checking a small project.
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
