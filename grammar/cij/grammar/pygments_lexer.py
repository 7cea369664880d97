"""Colours for `.journey` files in everything that uses Pygments, such as documentation and `pygmentize`.

Pygments finds it by the entry point in `pyproject.toml`. cij itself never imports it.
"""

from typing import ClassVar

from pygments.lexer import RegexLexer, words
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
)

from cij.grammar.grammar_text import DECLARATION_WORDS, STEP_WORDS
from cij.grammar.language_words import all_words

_NAME = r"(?:[^\W\d]\w*|`[^`\n]+`)"
_PHRASES = [word for word in all_words() if " " in word]
_WORDS = [word for word in all_words() if " " not in word]


class JourneyLexer(RegexLexer):  # type: ignore[misc]
    """Colours one `.journey` file."""

    name = "Journey"
    aliases: ClassVar = ["journey"]
    filenames: ClassVar = ["*.journey"]
    tokens: ClassVar = {
        "root": [
            (r"\s+", Text.Whitespace),
            (r"#.*", Comment.Single),
            (r'"""', String, "text"),
            (r'"(?:\\.|[^"\\\n])*"', String),
            (r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2})?", Number.Date),
            (r"\d{1,2}:\d{2}(?:\.\.\d{1,2}:\d{2})?", Number.Date),
            (r"[\d_]+(?:\.\d+)?%?", Number),
            (rf"{_NAME}(?=[ \t]*:)", Name.Label),
            (words(DECLARATION_WORDS, prefix=r"(?m)^", suffix=r"\b"), Keyword.Declaration),
            (words(_PHRASES, suffix=r"\b"), Keyword),
            (words(("true", "false"), suffix=r"\b"), Keyword.Constant),
            (words(STEP_WORDS, suffix=r"\b"), Keyword.Reserved),
            (words(_WORDS, suffix=r"\b"), Keyword),
            (_NAME, Name),
            (r"\?\?|!=|<=|>=|[=<>+*/-]", Operator),
            (r"[{}()\[\],.:]", Punctuation),
        ],
        "text": [(r'"""', String, "#pop"), (r'[^"]+|"', String)],
    }
