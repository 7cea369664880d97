"""What authors write where the language is written otherwise, and the words to tell them."""

from cij.grammar.mistakes.explanation import (
    explain,
    extra_brace,
    no_brace,
    no_sign,
)
from cij.grammar.mistakes.habits import Habitual, habitual
from cij.grammar.mistakes.mistake import Mistake

__all__ = [
    "Habitual",
    "Mistake",
    "explain",
    "extra_brace",
    "habitual",
    "no_brace",
    "no_sign",
]
