"""The program that was deployed last, in a file: for commands that need it while `cij run` has the
store open, or while the project has a mistake."""

from pathlib import Path

from cij.app.atomic_write import write_atomically
from cij.app.compile import compiled
from cij.app.project import Project, open_project
from cij.app.request_error import InvalidProject
from cij.compiler.program import Program, from_json, to_json
from cij.runtime.private_files import private_folder
from cij.runtime.state_folder import state_folder

_NAME = "program.json"


def keep_program(root: Path, program: Program) -> None:
    """Write the program beside the state file; the first line is its hash."""
    path, head = root / state_folder() / _NAME, f"{program.hash}\n"
    try:
        with path.open(encoding="utf-8") as file:
            if file.readline() == head:
                return
    except (OSError, UnicodeDecodeError):
        pass
    private_folder(root, state_folder())
    write_atomically(path, head + to_json(program), root)


def compiled_or_deployed(path: Path) -> tuple[Project, Program]:
    """Return the project at `path` and its program; where it has errors, the one that runs.

    Raises: ConfigError; InvalidProject where nothing was deployed either.
    """
    try:
        return compiled(path)
    except InvalidProject:
        project = open_project(path)
        program = _kept(project.root)
        if program is None:
            raise
        return project, program


def _kept(root: Path) -> Program | None:
    try:
        _, _, text = (root / state_folder() / _NAME).read_text(encoding="utf-8").partition("\n")
        return from_json(text)
    except (OSError, ValueError):
        return None
