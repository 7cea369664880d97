"""What the commands that look at one customer share: the store, what ran in it, and who is meant."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from cij.cli.project import open_project
from cij.cli.running import open_when_free, store_path
from cij.compiler.program import Program
from cij.runtime.deploy import prepare
from cij.runtime.engine import Engine
from cij.runtime.errors import ConfigError
from cij.runtime.insight.person import deployed, find


@dataclass(frozen=True)
class View:
    """A store, and the program that ran in it last."""

    engine: Engine
    program: Program

    def customer(self, text: str) -> str:
        """Return the id of the one whom `text` means. Raises: click.UsageError."""
        found = find(self.engine, self.program, text)
        if len(found) == 1:
            return found[0].id
        if found:
            known = ", ".join(f"{c.id} ({c.how})" for c in found)
            raise click.UsageError(f"`{text}` may be any of {known}; give the id")
        raise click.UsageError(
            f"nobody is known as `{text}`; give an id, a key such as `shop:17`, or an e-mail address"
        )


@contextmanager
def view(path: Path) -> Iterator[View]:
    """Open the store of the project at `path` to look at it.

    Raises: ConfigError when nothing has run yet, StoreLocked while `cij run` has it.
    """
    project = open_project(path)
    nothing = ConfigError("nothing has run here yet; start with `cij run`")
    if not store_path(project).is_file():
        raise nothing
    engine = open_when_free(project)
    try:
        program = deployed(engine)
        if program is None:
            raise nothing
        prepare(engine, program)
        yield View(engine, program)
    finally:
        engine.close()
