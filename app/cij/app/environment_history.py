"""`cij history`: which programs came into an environment, when, and by whom."""

from collections.abc import Callable
from pathlib import Path

from cij.app.open_store import has_store, nothing_yet, open_for_questions
from cij.app.project import open_project
from cij.runtime.applied import Applied, history


def environment_history(
    path: Path, on_wait: Callable[[str], None] = lambda text: None
) -> tuple[str, list[Applied]]:
    """Return the zone of the project, and the programs, the newest first.

    Raises: ConfigError where nothing has run yet; StoreLocked.
    """
    project = open_project(path)
    if not has_store(project):
        raise nothing_yet(project)
    engine = open_for_questions(project, on_wait)
    try:
        return project.settings.project.timezone, history(engine)
    finally:
        engine.close()
