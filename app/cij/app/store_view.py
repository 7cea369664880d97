"""A store that is open for questions: its last program, and the customer that a text identifies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cij.app.open_store import has_store, nothing_yet, open_for_questions, open_when_free
from cij.app.project import open_project
from cij.app.request_error import RequestError
from cij.compiler.program import Program
from cij.runtime.deploy import prepare
from cij.runtime.engine import Engine
from cij.runtime.insight.person import deployed, find


@dataclass(frozen=True)
class StoreView:
    """An open store, and the program of its last run."""

    engine: Engine
    program: Program

    def customer(self, text: str) -> str:
        """Return the id of the customer that `text` identifies.

        Raises: RequestError for none or several.
        """
        found = find(self.engine, self.program, text)
        if len(found) == 1:
            return found[0].id
        if found:
            known = ", ".join(f"{c.id} ({c.how})" for c in found)
            raise RequestError(f"`{text}` may be any of {known}; give the id")
        raise RequestError(
            f"nobody is known as `{text}`; give an id, a key such as `shop:17`, or an e-mail address"
        )


@contextmanager
def store_view(
    path: Path, on_wait: Callable[[str], None] = lambda text: None, *, is_change: bool = False
) -> Iterator[StoreView]:
    """Open the store of the project at `path` for questions, or for an order that changes it.

    Raises: ConfigError where nothing has run yet; StoreLocked while `cij run` has it open.
    """
    project = open_project(path)
    nothing = nothing_yet(project)
    if not has_store(project):
        raise nothing
    opened = open_when_free if is_change else open_for_questions
    engine = opened(project, on_wait=on_wait)
    try:
        program = deployed(engine)
        if program is None:
            raise nothing
        prepare(engine, program)
        yield StoreView(engine, program)
    finally:
        engine.close()
