"""Sources with another name: their customers, rows and records stay theirs (S26)."""

from cij.compiler.program import Program
from cij.compiler.sql.load import table_of
from cij.compiler.sql.records import kept_table
from cij.runtime.engine import Engine
from cij.runtime.store import renaming


def follow_names(engine: Engine, program: Program) -> None:
    """Give what the store has under older names of sources to the sources of now."""
    for each in program.profile.renamed:
        if engine.rows(renaming.IS_KNOWN, {"old": each.old}):
            _follow(engine, each.old, each.new)


def _follow(engine: Engine, old: str, new: str) -> None:
    for statement in renaming.MOVE:
        engine.execute(statement, {"old": old, "new": new})
    is_moved = _moved(engine, table_of(old), table_of(new))
    _moved(engine, kept_table(old), kept_table(new))
    if is_moved:
        engine.execute(renaming.STATE, {"old": old, "new": new})
        questions = {"old_question": f"question {old}", "new_question": f"question {new}"}
        engine.execute(renaming.QUESTION, questions)


def _moved(engine: Engine, old: str, new: str) -> bool:
    """Rename a table, unless there is none, or one with the new name."""
    if not engine.columns_of(old) or engine.columns_of(new):
        return False
    engine.execute(renaming.table(old, new))
    return True
