"""Explanations of syntax errors, and a table of forms that authors know from other languages."""

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
