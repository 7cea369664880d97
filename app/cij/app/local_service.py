"""Asks the service of a running project, which has the store open.

    .cij/service.json    where it listens, and a token; readable by one user

A command finds the file, asks, and gets the answer as if it had opened the store itself.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cij.app.request_error import RequestError
from cij.runtime.errors import StoreError, WorldError
from cij.runtime.private_files import private_folder, write_private
from cij.runtime.state_folder import state_folder

_NAME = "service.json"
# A run answers between two steps, and a step over a million customers takes seconds.
_PATIENCE_S = 60.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def service_file() -> Path:
    """Return the path of what a service says of itself, from the project folder."""
    return state_folder() / _NAME


@dataclass(frozen=True, slots=True)
class _Place:
    host: str
    port: int
    token: str


@contextmanager
def announced(root: Path, url: str, token: str) -> Iterator[None]:
    """Tell the commands of this machine where the service is, until the block ends."""
    path = private_folder(root, state_folder()) / _NAME
    write_private(path, json.dumps({"url": url, "token": token}).encode())
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()


def is_there(root: Path) -> bool:
    """Tell whether a service says that it runs. One that was killed does so too."""
    return _place(root) is not None


def ask(root: Path, name: str, parameters: Mapping[str, Any]) -> Any:
    """Return the answer to a question, in types that JSON has; None where no service runs.

    Raises: RequestError, StoreError, as if the store had been asked.
    """
    place = _place(root)
    return None if place is None else _asked(place, name, parameters)


def _place(root: Path) -> _Place | None:
    try:
        path = root / service_file()
        if not _is_own(path):
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        url = urlsplit(found["url"])
        # A project from elsewhere must not have a command talk to another machine.
        if url.hostname not in _LOOPBACK or url.port is None:
            return None
        return _Place(url.hostname, url.port, str(found["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_own(path: Path) -> bool:
    found = path.lstat()
    is_mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISREG(found.st_mode) and is_mine and not found.st_mode & 0o077


def _asked(place: _Place, name: str, parameters: Mapping[str, Any]) -> Any:
    # Only where a service runs.
    import http.client

    connection = http.client.HTTPConnection(place.host, place.port, timeout=_PATIENCE_S)
    head = {"authorization": f"Bearer {place.token}", "content-type": "application/json"}
    try:
        connection.request("POST", f"/api/v1/{name}", json.dumps(parameters), head)
        answer = connection.getresponse()
        found = json.loads(answer.read())
    except (ConnectionError, http.client.HTTPException, ValueError):
        # What a run that was killed has left behind, or somebody else's server.
        return None
    except OSError as error:
        raise StoreError(f"the running service does not answer: {error}") from error
    finally:
        connection.close()
    if answer.status == HTTPStatus.OK:
        return found["answer"]
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):
        return None
    raise _error(found)


def _error(found: Mapping[str, Any]) -> WorldError:
    text = str(found.get("error", "the running service failed"))
    return RequestError(text) if found.get("exit") == "USAGE" else StoreError(text)
