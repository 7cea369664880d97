"""The mistakes that people make who come from other languages, or write as they speak.

One row a way of writing: what it looks like, what is wrong, what to do, and what may be meant. The
first row that fits wins. Where a pattern has a group `bad`, only that stands in the author's way;
the rest is what it is known by.
"""

import re

from cij.grammar.mistakes.habit_signs import DATES, NUMBERS, SIGNS, TEXTS
from cij.grammar.mistakes.habit_words import CONDITIONS, HEADS, STEPS

HABITS = SIGNS + NUMBERS + CONDITIONS + STEPS + HEADS + TEXTS

# What the grammar reads, and no author means as it reads it.
NULLS = ("null", "NULL", "Null", "None", "nil", "undefined")
MISREAD = re.compile(
    rf"(?<![\w.`])(?:(?P<null>{'|'.join(NULLS)})(?![\w.`(])"
    r"|(?P<date>[0-3]?\d/[01]?\d/\d{4}|\d{4}/[01]?\d/[0-3]?\d)(?![\d/]))"
)
TOLD = {
    "null": ("there is no `{}`", "what is not known is `unknown`: write `x is unknown`"),
    "date": ("`{}` is a division", DATES),
}
