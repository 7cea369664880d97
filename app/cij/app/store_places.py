"""Which store a word of `cij store copy` means: an environment of cij.toml, or a kind of store.

`prod`         the store that the settings of the environment `prod` name
`duckdb`       the state file of this environment, `path` of [store]
`postgresql`   the store of this environment on the server, `dsn` and `schema` of [store]
"""

from dataclasses import dataclass, replace
from pathlib import Path

from cij.app.open_environment import known_environments
from cij.app.open_store import store_path
from cij.app.project import Project, open_project
from cij.app.project_files import FILE_NAME
from cij.app.request_error import RequestError
from cij.app.store_table import StoreTable
from cij.compiler.naming import did_you_mean
from cij.runtime.delivery.ledger import Ledger
from cij.runtime.errors import ConfigError
from cij.runtime.state_folder import environment, state_folder

FILE, SERVER = "duckdb", "postgresql"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is. `path` is the state file, or what is beside the ledger of a store on a server.

    `folder` is that of the environment, with its inbox.
    """

    word: str
    project: Project
    path: Path
    folder: Path

    @property
    def store(self) -> StoreTable:
        return self.project.settings.store

    @property
    def store_key(self) -> tuple[object, ...]:
        """What two words for the same store have in common."""
        if self.store.is_shared:
            return self.store.dsn, self.store.schema_
        return (self.path,)

    @property
    def way_to_empty(self) -> str:
        """How a person empties it, as a sentence."""
        if self.store.is_shared:
            return f"Drop the schema, or set another `schema` in [store] of {FILE_NAME}"
        return "Move the file away, or set another `path`"

    def ledger(self) -> Ledger:
        """Return the ledger of what was sent from this store."""
        return Ledger(self.path.with_name(f"{self.path.name}.ledger"))

    def __str__(self) -> str:
        if self.store.is_shared:
            return f"the schema `{self.store.schema_}` on the server"
        return f"the state file {self.path}"


def place_of(word: str, path: Path) -> Place:
    """Return the store that a word means in the project at `path`. Raises: RequestError, ConfigError."""
    known = known_environments(path)
    if word in known:
        with environment(word):
            return _place(word, open_project(path))
    if word not in (FILE, SERVER):
        listed = "".join(f"`{name}`, " for name in known)
        hint = did_you_mean(word, [*known, FILE, SERVER]) or f"use {listed}`{FILE}` or `{SERVER}`"
        raise RequestError(
            f"`{word}` is no environment of {FILE_NAME} and no kind of store; {hint}"
        )
    project = open_project(path)
    return _place(word, _of_kind(project, word))


def _of_kind(project: Project, kind: str) -> Project:
    store = project.settings.store
    if kind == FILE:
        store = store.model_copy(update={"kind": FILE, "dsn": None})
    elif not store.is_shared:
        raise ConfigError(
            f'[store] of {FILE_NAME} names no server; write `kind = "postgresql"` and '
            '`dsn = "env:CIJ_STORE_DSN"` there, and start no run before the copy is made'
        )
    return replace(project, settings=project.settings.model_copy(update={"store": store}))


def _place(word: str, project: Project) -> Place:
    folder = (project.root / state_folder()).resolve()
    return Place(word, project, store_path(project), folder)
