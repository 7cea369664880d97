"""Dictionary encoding: tables that grow have numbers in the place of texts that repeat.

    passage_row  journey, version, state, outcome and cause are numbers
    move         why is a number
    name         which number stands for which text
    passage      the same with texts, for reading (a view)

To insert a text that is the same in all rows takes seven times as long as a number. In statements `p`
is always a row with numbers.
"""

import hashlib
from functools import lru_cache

from sqlglot import exp

from cij.compiler.sql.columns import column
from cij.compiler.sql.template import fill

# How passages end that no journey ends, and the state in the instant of the entry.
GONE, MERGED, STOPPED, ENTERING = "gone", "merged", "stopped", ":entering"
# Why a passage is woken, where it is not by an event or a goal.
ENTERED, TIMER, CONDITION, CAME_BEFORE = "entered", "timer", "condition", "came before"
JOINED = "joined"
GIVEN = (GONE, MERGED, STOPPED, ENTERING, ENTERED, TIMER, CONDITION, CAME_BEFORE, JOINED)

# So many fit into a BIGINT.
_DIGITS = 15


@lru_cache(maxsize=65_536)
def number_of(text: str) -> int:
    """Return the number of a text, the same wherever and whenever it is made."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:_DIGITS], 16)


def numbered(text: str | None) -> exp.Expr:
    """Return the number of a text as a constant; null for no text."""
    if text is None:
        return exp.null()
    number = exp.Literal.number(number_of(text))
    # So that a person can read the plan.
    number.add_comments([text])
    return number


def texts_of(row: str, *columns: str) -> dict[str, exp.Expr]:
    """Return the texts that columns of a row stand for, as holes."""
    return {name: text_of(column(row, name)) for name in columns}


def text_of(number: exp.Expr) -> exp.Expr:
    """Return the text that a number stands for."""
    return fill("(SELECT l.text FROM name AS l WHERE l.id = {n})", n=number)
