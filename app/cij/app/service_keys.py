"""The keys of the service: write keys for events, and tokens for people and machines that operate it.

    .cij/keys.json     names, roles and hashes; nobody can read a key from it

A key is 32 random bytes, so a plain hash protects it: nobody can try out all values. A key is replaced
without a gap: add another, use it, and revoke the first, at once or from an instant on.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from cij.app.project import Project
from cij.app.request_error import RequestError
from cij.runtime.errors import ConfigError
from cij.runtime.private_files import private_folder, write_private
from cij.runtime.state_folder import state_folder

_NAME = "keys.json"
Role = Literal["write", "read", "operate", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
# What each role may do. A write key is in shops and apps, so it can read nothing.
_MAY: dict[Role, frozenset[Role]] = {
    "write": frozenset({"write"}),
    "read": frozenset({"read"}),
    "operate": frozenset({"write", "read", "operate"}),
    "admin": frozenset(ROLES),
}
# Told apart at a glance, also by programs that look for secrets in a repository.
_PREFIX = "cij_"


def keys_file() -> Path:
    """Return the path of the keys, from the project folder."""
    return state_folder() / _NAME


@dataclass(frozen=True, slots=True)
class Key:
    """`ends_at` is the instant from which it is not valid any more; None for never."""

    name: str
    role: Role
    hash: str
    created_at: datetime
    ends_at: datetime | None = None

    def may(self, role: Role) -> bool:
        """Tell whether the key has the rights of `role`."""
        return role in _MAY[self.role]

    def is_valid(self, now: datetime) -> bool:
        return self.ends_at is None or now < self.ends_at


def hash_of(secret: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def new_secret(role: Role) -> str:
    """Return a new key, as it is given out."""
    return f"{_PREFIX}{role}_{secrets.token_urlsafe(32)}"


def read_keys(root: Path) -> tuple[Key, ...]:
    """Return all keys, also those that are not valid any more. Raises: ConfigError."""
    path = root / keys_file()
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["keys"]
        return tuple(_key(row) for row in rows)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; nobody can use the service") from error


def add_key(project: Project, name: str, role: Role, now: datetime) -> str:
    """Make a key and return it: it is shown once. Raises: RequestError for a name that is in use."""
    if not name.strip() or len(name) > 100:
        raise RequestError("the name of a key has 1 to 100 characters")
    known = read_keys(project.root)
    if any(key.name == name and key.is_valid(now) for key in known):
        raise RequestError(f"there is a key `{name}`; revoke it first, or use another name")
    secret = new_secret(role)
    added = Key(name, role, hash_of(secret), now)
    _write(project.root, [*(key for key in known if key.name != name), added])
    return secret


def revoke_key(project: Project, name: str, at: datetime) -> Key:
    """Make a key invalid from `at` on. Raises: RequestError for an unknown name."""
    known = read_keys(project.root)
    found = next((key for key in known if key.name == name), None)
    if found is None:
        names = ", ".join(f"`{key.name}`" for key in known) or "none"
        raise RequestError(f"there is no key `{name}`; there is {names}")
    ended = replace(found, ends_at=min(at, found.ends_at or at))
    _write(project.root, [ended if key is found else key for key in known])
    return ended


def _key(row: dict[str, Any]) -> Key:
    ends = row["ends_at"]
    if row["role"] not in ROLES:
        raise ValueError(f"there is no role {row['role']}")
    return Key(
        name=row["name"],
        role=row["role"],
        hash=row["hash"],
        created_at=datetime.fromisoformat(row["created_at"]),
        ends_at=datetime.fromisoformat(ends) if ends else None,
    )


def _write(root: Path, keys: Sequence[Key]) -> None:
    text = json.dumps({"version": 1, "keys": [asdict(key) for key in keys]}, default=_iso)
    path = private_folder(root, state_folder()) / _NAME
    try:
        write_private(path, text.encode())
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error


def _iso(at: datetime) -> str:
    return at.isoformat()
