"""From a project to something that runs: its store, its channels, its world."""

from pathlib import Path

from cij.cli.project import Project
from cij.cli.settings import FilesDelivery, SmtpDelivery
from cij.runtime.delivery import Defaults, FileSettings, SmtpSettings, Transport, open_transport
from cij.runtime.engine import DuckEngine
from cij.runtime.errors import ConfigError


def store_path(project: Project) -> Path:
    """Return the path of the state file, inside the project folder."""
    path = (project.root / project.settings.store.path).resolve()
    if not path.is_relative_to(project.root):
        raise ConfigError("cij.toml: `store.path` leads out of the project folder")
    return path


def open_store(project: Project) -> DuckEngine:
    """Open the state file, making its folder. Raises: StoreError when another program has it."""
    path = store_path(project)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {path.parent}: {error.strerror}") from error
    return DuckEngine(path)


def open_copy(project: Project) -> DuckEngine:
    """Return an engine in memory that holds a copy of the state, or nothing if there is none."""
    engine = DuckEngine(None)
    path = store_path(project)
    if path.is_file():
        engine.copy_from(path)
    return engine


def open_transports(project: Project) -> dict[str, Transport]:
    """Return the way out of each channel, as cij.toml says."""
    delivery = project.settings.delivery
    channels = {"email": delivery.email, "sms": delivery.sms, "push": delivery.push}
    return {name: open_transport(_settings(project, way)) for name, way in channels.items()}


def _settings(project: Project, way: FilesDelivery | SmtpDelivery) -> FileSettings | SmtpSettings:
    if isinstance(way, FilesDelivery):
        folder = (project.root / way.folder).resolve()
        if not folder.is_relative_to(project.root):
            raise ConfigError(f"cij.toml: the folder `{way.folder}` is outside of the project")
        return FileSettings(folder=folder)
    return SmtpSettings(
        host=way.host,
        port=way.port,
        security=way.tls,
        username=way.username,
        password=way.password(),
        connections=way.connections,
    )


def senders(project: Project) -> Defaults:
    """Return what a message takes where it says nothing itself."""
    return Defaults(sender=project.settings.delivery.email.sender or f"cij@{_domain(project)}")


def _domain(project: Project) -> str:
    return f"{project.settings.project.name}.invalid"
