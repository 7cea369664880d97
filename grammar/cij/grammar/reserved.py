"""Where a word of the language cannot be a name. Everywhere else every word can.

Back-quotes help in each of these places: `` `not` ``. The tests try every word in every place.
"""

from cij.grammar.grammar_text import HEADER_WORDS, STEP_WORDS

WEEKDAYS = frozenset({"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"})

# A field at the beginning of a value or condition; `true` and `false` are read as those values.
FIELD = frozenset({"not", "true", "false"})
# The field that `wait until` begins with.
MOMENT = FIELD | WEEKDAYS
# A block inside a declaration: these begin a line of another kind there …
BLOCK = frozenset({"add", "except", "stage", "where"})
# … and these go on with the condition or value of the line above, if there is one.
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
