"""The tables of passages, and the names that they say by number."""

from collections.abc import Iterable

from cij.compiler.sql import Statement, names, store
from cij.runtime.engine import Engine


def prepare(engine: Engine, *, is_older: bool = False) -> None:
    """Make the tables of passages unless they are there, of an older one if there is one."""
    with engine.transaction():
        wide = engine.rows(names.WIDE)
        if wide:
            _all(engine, names.SET_ASIDE)
        elif is_older:
            engine.execute(names.DROP_VIEW)
        _all(engine, store.PASSAGES)
        keep_names(engine, names.GIVEN)
        if wide:
            keep_names(engine, (name for (name,) in engine.rows(names.WIDE_NAMES)))
            _all(engine, (names.NARROW, names.NARROW_MOVES, *names.DROP_WIDE))


def _all(engine: Engine, statements: Iterable[Statement]) -> None:
    for statement in statements:
        engine.execute(statement)


def keep_names(engine: Engine, texts: Iterable[str]) -> None:
    """Write down which numbers stand for names, as far as it is not known."""
    known = {id for (id,) in engine.rows(names.KNOWN)}
    missing = {names.number_of(text): text for text in texts}
    rows = {number: text for number, text in missing.items() if number not in known}
    if rows:
        engine.append("name", {"id": [*rows], "text": [*rows.values()]})
