"""The checks of `cij doctor`: one tuple for the machine and one for a project.

A check yields findings and repairs nothing. A new check is a function and a row.
"""

import os
import platform
import smtplib
import socket
import sys
import zoneinfo
from collections.abc import Callable, Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from cij.app.callback_findings import callback_findings
from cij.app.config import (
    Settings,
    load_settings,
    variable_faults,
    variable_names,
)
from cij.app.delivery_tables import ChannelWay, RowsDelivery, SmtpDelivery, WebhookDelivery
from cij.app.finding import Finding
from cij.app.local_service import is_there
from cij.app.project import open_project
from cij.app.project_files import FILE_NAME, find_root
from cij.app.provider_tables import ApiDelivery
from cij.app.rate_findings import rate_findings
from cij.app.state_check import check_state
from cij.compiler.channels import CHANNELS
from cij.runtime.errors import ConfigError, StoreError, WorldError

_PYTHON_MIN = (3, 11)
_PACKAGES = ("cij", "click", "duckdb", "lark", "pydantic", "python-liquid", "sqlglot")
_SMTP_TIMEOUT_S = 5.0
_CONNECT_TIMEOUT_S = 5.0


def _open_settings(path: Path) -> tuple[Path, Settings]:
    """Return the project folder and its settings. Raises: ConfigError."""
    root = find_root(path)
    return root, load_settings(root / FILE_NAME)


def _python() -> Iterator[Finding]:
    is_new = sys.version_info >= _PYTHON_MIN
    needed = "" if is_new else f"; {'.'.join(map(str, _PYTHON_MIN))} or newer is needed"
    text = f"{platform.python_version()}, {platform.system()} {platform.machine()}{needed}"
    yield Finding("ok" if is_new else "fail", "python", text)


def _packages() -> Iterator[Finding]:
    for name in _PACKAGES:
        try:
            yield Finding("ok", name, metadata.version(name))
        except metadata.PackageNotFoundError:
            # A checkout that is not installed works, but it has no version.
            yield Finding("warn" if name == "cij" else "fail", name, "is not installed")


def _extension() -> Iterator[Finding]:
    # Imported here, so that the other checks run where the engine itself cannot be imported.
    from cij.runtime.sources.sqlite import require_extension

    try:
        require_extension()
        yield Finding("ok", "duckdb sqlite", "the extension loads")
    except StoreError as error:
        yield Finding("fail", "duckdb sqlite", str(error))


def _zones() -> Iterator[Finding]:
    count = len(zoneinfo.available_timezones())
    if count < 100:
        yield Finding("fail", "time zones", "there is no zone data; run: pip install tzdata")
    else:
        yield Finding("ok", "time zones", f"{count} zones")


def _variables(root: Path, settings: Settings) -> Iterator[Finding]:
    for fault in variable_faults(root / FILE_NAME):
        yield Finding("fail", "variables", fault)
    for name in variable_names(root / FILE_NAME):
        if name in os.environ:
            yield Finding("ok", f"${name}", "is set")
        else:
            yield Finding("fail", f"${name}", f"is not set; {FILE_NAME} names it")


def _journeys(root: Path, settings: Settings) -> Iterator[Finding]:
    project = open_project(root)
    for diagnostic in project.diagnostics:
        yield Finding("fail", diagnostic.span.file, diagnostic.message)
    count = len(project.sources)
    if count == 0:
        yield Finding("warn", "journeys", "there is no .journey file")
    else:
        yield Finding("ok", "journeys", f"{count} .journey file{'s' if count > 1 else ''}")


def _sources(root: Path, settings: Settings) -> Iterator[Finding]:
    from cij.app.trial_load import trial_load

    paths = dict(source_paths(root))
    for one in trial_load(root):
        path = paths.get(one.name)
        size = "" if one.fault else _size(root, path)
        status: Literal["ok", "warn", "fail"] = "fail" if one.fault else "ok"
        if one.warning and not one.fault:
            status = "warn"
        yield Finding(status, f"source {one.name}", one.fault or size + one.found)


def _exports(root: Path, settings: Settings) -> Iterator[Finding]:
    """Say of each export whether what it needs outside of the store is there."""
    from cij.app.compile import compile_path

    program = compile_path(root).compilation.program
    for export in program.exports if program else ():
        what, variable = f"export {export.name}", export.database.removeprefix("env:")
        folder = _existing(root, (root / export.path).parent)
        if variable and variable not in os.environ:
            yield Finding("fail", what, f"${variable} is not set ({export.place})")
        elif export.path and not (folder.is_dir() and os.access(folder, os.W_OK)):
            yield Finding("fail", what, f"cannot write files into {folder}")
        else:
            yield Finding("ok", what, f"to {export.target}")


def _existing(root: Path, folder: Path) -> Path:
    """Return the nearest part of a path that is there. A run makes the folders below it."""
    return next((each for each in (folder, *folder.parents) if each.exists()), root)


def _size(root: Path, path: str | None) -> str:
    if path is None or not (root / path).is_file():
        return f"{path}, " if path else ""
    return f"{path}, {(root / path).stat().st_size:,} bytes, "


def source_paths(root: Path) -> list[tuple[str, str]]:
    """Return (name, path) of each source that is a file; none where the project has errors."""
    from cij.app.compile import compile_path

    program = compile_path(root).compilation.program
    sources = program.sources if program else ()
    return [(s.name, s.settings["path"]) for s in sources if "path" in s.settings]


def _mail_servers(root: Path, settings: Settings) -> Iterator[Finding]:
    """Check the channels that can have a mail server or a provider. Other channels always write files."""
    ways = settings.delivery.by_channel()
    for channel in (name for name, row in CHANNELS.items() if row.transports != ("files",)):
        yield from _way(channel, ways[channel])
        for number, way in enumerate(settings.delivery.fallback(channel), 1):
            yield from _way(f"{channel} fallback {number}", way)


def _way(name: str, way: ChannelWay) -> Iterator[Finding]:
    if isinstance(way, SmtpDelivery):
        yield _mail_server(name, way)
    elif isinstance(way, ApiDelivery):
        yield _provider(name, way)
    else:
        yield Finding("ok", name, f"written to files in {way.folder}")
    yield from rate_findings(name, way)


def _provider(channel: str, way: ApiDelivery) -> Finding:
    """Check that the key is set, and that the provider accepts a connection. Nothing is sent."""
    from cij.runtime.delivery.channels.api_settings import ApiSettings
    from cij.runtime.delivery.channels.providers import PROVIDERS

    kind = str(getattr(way, "kind", ""))
    try:
        found = ApiSettings(kind, way.key(), way.options(), way.url)
        PROVIDERS[kind].check(found)
    except ConfigError as error:
        return Finding("fail", channel, str(error))
    return _takes_connections(channel, way.url or PROVIDERS[kind].address(found))


def _mail_server(channel: str, way: SmtpDelivery) -> Finding:
    where = f"{way.host}:{way.port}"
    try:
        return Finding("ok", channel, f"{where} answers: {_greeting(way)}")
    except (OSError, smtplib.SMTPException) as error:
        return Finding("fail", channel, f"{where} does not answer: {error}")


def _actions(root: Path, settings: Settings) -> Iterator[Finding]:
    action = settings.delivery.action
    for name, way in (("actions", action.default), *action.by_action.items()):
        what = name if name == "actions" else f"action {name}"
        if isinstance(way, RowsDelivery):
            yield Finding("ok", what, f"written as rows in {way.folder}")
        else:
            yield _webhook(what, way)


def _webhook(what: str, way: WebhookDelivery) -> Finding:
    """Check the secret, and that the receiver accepts a connection. Nothing is sent."""
    try:
        way.secret()
    except ConfigError as error:
        return Finding("fail", what, str(error))
    return _takes_connections(what, way.url)


def _takes_connections(what: str, url: str) -> Finding:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), _CONNECT_TIMEOUT_S).close()
    except OSError as error:
        return Finding("fail", what, f"cannot reach {parts.hostname}:{port}: {error}")
    return Finding("ok", what, f"{parts.hostname}:{port} takes connections")


def _greeting(email: SmtpDelivery) -> str:
    """Connect to a mail server and return its greeting.

    With STARTTLS, start it too. Nothing is sent.
    """
    kind = smtplib.SMTP_SSL if email.tls == "implicit" else smtplib.SMTP
    with kind(email.host, email.port, timeout=_SMTP_TIMEOUT_S) as server:
        code, answer = server.ehlo()
        if email.tls == "starttls":
            server.starttls()
        return f"{code} {answer.decode(errors='replace').splitlines()[0]}"


def _tracking(root: Path, settings: Settings) -> Iterator[Finding]:
    """Check that the links by which opens and clicks are measured are answered."""
    service = settings.service
    if service.tracking is None:
        return
    url = service.tracking.url or service.url
    if url is None:
        yield Finding(
            "fail",
            "tracking",
            f"{FILE_NAME}: [service.tracking] needs `url`, there or in [service]",
        )
    elif find_spec("starlette") is None or find_spec("uvicorn") is None:
        text = f"links of mails lead to {url}, and the service is not installed"
        yield Finding("fail", "tracking", f"{text}: pip install 'cij[service]'")
    elif not is_there(root):
        text = f"links of mails lead to {url}, and no service runs for this project: cij serve"
        yield Finding("warn", "tracking", text)
    else:
        yield Finding("ok", "tracking", f"links of mails lead to {url}")


MACHINE: tuple[Callable[[], Iterator[Finding]], ...] = (_python, _packages, _extension, _zones)
PROJECT: tuple[Callable[[Path, Settings], Iterator[Finding]], ...] = (
    _variables,
    _journeys,
    _sources,
    _exports,
    check_state,
    _mail_servers,
    _actions,
    callback_findings,
    _tracking,
)


def findings(path: Path) -> Iterator[Finding]:
    """Yield the findings about the machine and about the project at `path`."""
    for check in MACHINE:
        yield from _guarded(check.__name__, check())
    try:
        root, settings = _open_settings(path)
    except WorldError as error:
        yield Finding("fail", "cij.toml", str(error))
        return
    yield Finding("ok", "cij.toml", f"{settings.project.name}, {settings.project.timezone}")
    for project_check in PROJECT:
        yield from _guarded(project_check.__name__, project_check(root, settings))


def _guarded(name: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield the findings of a check.

    An exception becomes a finding, so that other checks still run.
    """
    try:
        yield from findings
    except (WorldError, OSError, ImportError) as error:
        yield Finding("fail", name.strip("_"), str(error))
