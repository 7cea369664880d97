"""The mistakes that people make who come from other languages, or write as they speak.

One row a way of writing: what it looks like, what is wrong, what to do, and what may be meant. The
first row that fits wins. Where a pattern has a group `bad`, only that stands in the author's way;
the rest is what it is known by.
"""

from cij.grammar.mistakes.habit_signs import NUMBERS, SIGNS, TEXTS
from cij.grammar.mistakes.habit_words import CONDITIONS, HEADS, STEPS

HABITS = SIGNS + NUMBERS + CONDITIONS + STEPS + HEADS + TEXTS
