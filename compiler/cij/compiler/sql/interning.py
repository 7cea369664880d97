"""Dictionary encoding: large tables hold numbers instead of texts that repeat.

    passage_row  journey, version, state, outcome and cause are numbers
    move         why is a number
    name         the text of each number
    passage      the same with texts, for reading (a view)

DuckDB inserts a text that is the same in all rows seven times slower than a number. In statements
the alias `p` is always a row with numbers.
"""

import hashlib
from functools import lru_cache

from sqlglot import exp

from cij.compiler.sql.columns import column
from cij.compiler.sql.template import fill

# The outcomes of passages that no journey has ended, and the state at the instant of the entry.
GONE, MERGED, STOPPED, ENTERING = "gone", "merged", "stopped", ":entering"
# The reasons of wakings that are no event and no goal.
ENTERED, TIMER, CONDITION, CAME_BEFORE = "entered", "timer", "condition", "came before"
JOINED = "joined"
GIVEN = (GONE, MERGED, STOPPED, ENTERING, ENTERED, TIMER, CONDITION, CAME_BEFORE, JOINED)

# 60 bits fit a signed 64-bit integer.
_DIGITS = 15


@lru_cache(maxsize=65_536)
def number_of(text: str) -> int:
    """Return the number of a text.

    It is a hash, so it is the same in every process and store, and the compiler needs no table for
    it.
    """
    return int(hashlib.sha256(text.encode()).hexdigest()[:_DIGITS], 16)


def numbered(text: str | None) -> exp.Expr:
    """Return the number of a text as a constant; null for None."""
    if text is None:
        return exp.null()
    number = exp.Literal.number(number_of(text))
    # A reader of `cij sql` cannot interpret a bare number.
    number.add_comments([text])
    return number


def texts_of(row: str, *columns: str) -> dict[str, exp.Expr]:
    """Return the texts of columns of a row that hold numbers, by column, for use as holes."""
    return {name: text_of(column(row, name)) for name in columns}


def text_of(number: exp.Expr) -> exp.Expr:
    """Return the expression for the text of a number."""
    return fill("(SELECT l.text FROM name AS l WHERE l.id = {n})", n=number)
