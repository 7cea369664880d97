"""The table of habits: forms from other programming languages and from spoken language.

A row has a pattern, the message, the advice and the possible intended texts. The first row that
fits wins. Where a pattern has a group `bad`, only this group is wrong, and the rest identifies the
habit.
"""

from cij.grammar.mistakes.habit_signs import NUMBERS, SIGNS, TEXTS
from cij.grammar.mistakes.habit_words import CONDITIONS, HEADS, STEPS

HABITS = SIGNS + NUMBERS + CONDITIONS + STEPS + HEADS + TEXTS
