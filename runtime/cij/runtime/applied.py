"""What came into a store: programs with their authors, and the texts that they were made of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cij.runtime.engine import Engine
from cij.runtime.store import applied as statements

What = Literal["apply", "rollback", "run"]


@dataclass(frozen=True, slots=True)
class Applied:
    """One program that came into the store. `revision` is the commit of git, empty where there was none.

    `share` is the percentage of new entrants who get the program; 100 is everybody.
    """

    number: int
    hash: str
    at: datetime
    what: What
    who: str
    revision: str
    share: int = 100


def note_applied(
    engine: Engine,
    hash: str,
    now: datetime,
    *,
    what: What,
    who: str,
    revision: str,
    texts: str | None,
    share: int = 100,
) -> None:
    """Add a program to the history, in the transaction of the caller."""
    row: dict[str, object] = {"hash": hash, "now": now, "what": what, "who": who}
    row |= {"revision": revision, "texts": texts, "share": share}
    engine.execute(statements.ADD, row)
    engine.execute(statements.FORGET_TEXTS, {"kept": statements.TEXTS_KEPT})


def history(engine: Engine) -> list[Applied]:
    """Return all programs that came into the store, the newest first."""
    if not engine.columns_of("applied"):
        return []
    return [Applied(*row) for row in engine.rows(statements.ALL)]


def texts_of(engine: Engine, hash: str) -> str | None:
    """Return the texts of a program as they were noted; None where they were not, or not any more."""
    if not engine.columns_of("applied"):
        return None
    found = engine.rows(statements.TEXTS, {"hash": hash})
    return str(found[0][0]) if found else None
