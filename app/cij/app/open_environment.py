"""Which environment a word of the command line means."""

import tomllib
from pathlib import Path

from cij.app.environment_settings import TABLE
from cij.app.project_files import FILE_NAME, find_root
from cij.app.request_error import RequestError
from cij.compiler.naming import did_you_mean
from cij.runtime.errors import ConfigError


def open_word(word: str | None, path: Path) -> tuple[str | None, Path]:
    """Return the environment and the project that a word means: a name of cij.toml, or else a path.

    None for the environment is that of the process. Raises: RequestError, ConfigError.
    """
    if word is None:
        return None, path
    known = known_environments(path)
    if word in known:
        return word, path
    if Path(word).exists():
        return None, Path(word)
    hint = did_you_mean(word, known) or (
        f"{FILE_NAME} has {', '.join(f'`{n}`' for n in known)}"
        if known
        else "write `[env.prod]` in cij.toml"
    )
    raise RequestError(f"`{word}` is neither an environment nor a folder; {hint}")


def known_environments(path: Path) -> tuple[str, ...]:
    """Return the names in cij.toml. Its settings are not read: they may need variables of any environment."""
    try:
        found = tomllib.loads((find_root(path) / FILE_NAME).read_bytes().decode("utf-8-sig"))
    except (ConfigError, OSError, ValueError):
        return ()
    tables = found.get(TABLE)
    return tuple(tables) if isinstance(tables, dict) else ()
