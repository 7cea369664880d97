"""The places where a word of the language cannot be a name. Everywhere else each word can be one.

In these places a name can be written in back-quotes: `` `not` ``. The tests try every word in every
place.
"""

from cij.grammar.grammar_text import HEADER_WORDS, STEP_WORDS

WEEKDAYS = frozenset({"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"})

# A field at the beginning of a value or condition. `true` and `false` are read as values.
FIELD = frozenset({"not", "true", "false"})
# A field directly after `wait until`.
MOMENT = FIELD | WEEKDAYS
# A block inside a declaration. These words begin a line of another kind there.
BLOCK = frozenset({"add", "except", "renamed", "stage", "where"})
# The same after a line with a condition or value, which these words would continue.
BLOCK_AFTER_VALUE = BLOCK | frozenset(
    {"and", "between", "contains", "in", "is", "or", "since", "when", "within"}
)
# The outcome of `end`: the words that begin a step.
OUTCOME = frozenset(STEP_WORDS)
# The outcome in `removed STEP then end OUTCOME`: the words that begin a line of a journey's head.
REMOVED_OUTCOME = frozenset((*HEADER_WORDS, "steps"))
# The name of an `exit`, and the channel in `never send CHANNEL when …`.
EXIT = frozenset({"on", "when"})
NEVER_CHANNEL = frozenset({"when"})
