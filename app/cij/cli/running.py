"""From a project to something that runs: its store, its channels, its world."""

import time
from pathlib import Path

import click

from cij.cli.project import Project
from cij.cli.settings import FilesDelivery, RowsDelivery, SmtpDelivery, WebhookDelivery
from cij.compiler.naming import did_you_mean
from cij.compiler.program import Program
from cij.runtime.delivery import (
    ActionTransport,
    Defaults,
    FileSettings,
    RowSettings,
    SmtpSettings,
    Transport,
    WebhookSettings,
    open_transport,
)
from cij.runtime.engine import Engine, open_copy as open_store_copy, open_engine
from cij.runtime.errors import ConfigError, StoreLocked


def store_path(project: Project) -> Path:
    """Return the path of the state file, inside the project folder."""
    path = (project.root / project.settings.store.path).resolve()
    if not path.is_relative_to(project.root):
        raise ConfigError("cij.toml: `store.path` leads out of the project folder")
    return path


def open_store(project: Project) -> Engine:
    """Open the state file, making its folder. Raises: StoreError when another program has it."""
    path = store_path(project)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {path.parent}: {error.strerror}") from error
    store = project.settings.store
    return open_engine(path, threads=store.threads, memory_mb=store.memory_mb)


# A command that looks at the state has it for a moment.
PATIENCE_S = 5.0
_TELL_AFTER_S, _AGAIN_S = 1.0, 0.05


def open_when_free(project: Project, patience_s: float = PATIENCE_S) -> Engine:
    """Open the state file, and wait a little for a command that has it. Raises: as `open_store`."""
    start, is_told = time.monotonic(), False
    while True:
        try:
            return open_store(project)
        except StoreLocked:
            waited_s = time.monotonic() - start
            if waited_s >= patience_s:
                raise
            if waited_s >= _TELL_AFTER_S and not is_told:
                click.echo(
                    f"waiting for {store_path(project).name}: another program has it", err=True
                )
                is_told = True
            time.sleep(_AGAIN_S)


def open_copy(project: Project) -> Engine:
    """Return an engine in memory that holds a copy of the state, or nothing if there is none."""
    path = store_path(project)
    return open_store_copy(path) if path.is_file() else open_engine(None)


def open_transports(project: Project, program: Program) -> dict[str, Transport]:
    """Return the way out of each channel, as cij.toml says. Raises: ConfigError."""
    delivery = project.settings.delivery
    channels = {"email": delivery.email, "sms": delivery.sms, "push": delivery.push}
    found = {name: open_transport(_settings(project, way)) for name, way in channels.items()}
    return {**found, "action": _actions(project, program)}


def _actions(project: Project, program: Program) -> Transport:
    action = project.settings.delivery.action
    names = [a.name for a in program.actions]
    for name in action.by_action:
        if name not in names:
            hint = did_you_mean(name, names)
            text = f"cij.toml: [delivery.action.{name}]: there is no action `{name}`"
            raise ConfigError(f"{text}; {hint}" if hint else text)
    ways = {n: open_transport(_settings(project, way)) for n, way in action.by_action.items()}
    return ActionTransport(open_transport(_settings(project, action.default)), ways)


_Way = FilesDelivery | SmtpDelivery | RowsDelivery | WebhookDelivery
_Settings = FileSettings | SmtpSettings | RowSettings | WebhookSettings


def _settings(project: Project, way: _Way) -> _Settings:
    match way:
        case FilesDelivery():
            return FileSettings(folder=_folder(project, way.folder))
        case RowsDelivery():
            return RowSettings(folder=_folder(project, way.folder))
        case WebhookDelivery():
            return WebhookSettings(
                url=way.url,
                secret=way.secret(),
                connections=way.connections,
                timeout_s=way.timeout_seconds,
            )
    return SmtpSettings(
        host=way.host,
        port=way.port,
        security=way.tls,
        username=way.username,
        password=way.password(),
        connections=way.connections,
    )


def _folder(project: Project, written: str) -> Path:
    folder = (project.root / written).resolve()
    if not folder.is_relative_to(project.root):
        raise ConfigError(f"cij.toml: the folder `{written}` is outside of the project")
    return folder


def senders(project: Project) -> Defaults:
    """Return what a message takes where it says nothing itself."""
    return Defaults(sender=project.settings.delivery.email.sender or f"cij@{_domain(project)}")


def _domain(project: Project) -> str:
    return f"{project.settings.project.name}.invalid"
