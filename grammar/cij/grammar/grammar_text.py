"""The text of the grammar, and lists of words that are read from it.

Other modules use these lists, so a new step or declaration is added only to the grammar.
"""

import re
from functools import cache
from importlib.resources import files

GRAMMAR_FILES = ("journey.lark", "words.lark", "literals.lark")


@cache
def grammar_sources() -> tuple[str, ...]:
    """Return the texts of the grammar's files. Joined in this order they are one grammar."""
    return tuple(files("cij.grammar").joinpath(name).read_text("utf-8") for name in GRAMMAR_FILES)


def alternatives(rule: str) -> tuple[str, ...]:
    """Return the names of the alternatives of a rule."""
    found = re.search(
        rf"^{rule}: ((?:.*\n(?=    \|))*.*)$", "\n".join(grammar_sources()), re.MULTILINE
    )
    assert found is not None, f"the grammar has no rule {rule}"
    return tuple(re.findall(r"\w+", found[1]))


def _words(rules: tuple[str, ...]) -> tuple[str, ...]:
    # The name of a rule begins with its first word: `wait_until`, `exit_on`.
    return tuple(dict.fromkeys(rule.split("_")[0] for rule in rules))


def _kinds() -> tuple[str, ...]:
    found = re.search(r"^KIND\.1: /\(\?:([a-z|]+)\)", "\n".join(grammar_sources()), re.MULTILINE)
    assert found is not None, "the grammar has a terminal KIND"
    # `event` has a terminal of its own, because tests have the word, too.
    return (*found[1].split("|"), "event")


# The words that begin a step.
STEP_WORDS = _words(alternatives("_bare_step"))
# The words that begin a line of a journey's head and are no settings.
HEADER_WORDS = tuple(word for word in _words(alternatives("_header")) if word != "setting")
# Declarations whose body is settings and blocks, and declarations with a grammar rule of their own.
PLAIN_DECLARATIONS = _kinds()
OWN_DECLARATIONS = tuple(word for word in _words(alternatives("_top")) if word != "declaration")
DECLARATION_WORDS = (*PLAIN_DECLARATIONS, *OWN_DECLARATIONS)
