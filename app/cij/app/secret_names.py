"""Names of environment variables in `cij.toml`. What is no such name may be the secret itself.

A key that is pasted where the name of its variable belongs must not reach a terminal or a log.
"""

import re
from collections.abc import Iterator
from typing import Any

from cij.app.toml_places import KeyPath

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE = "env:"


def wrong_names(data: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Yield the place of each text that should be the name of a variable and is none, with what to say of it.

    The text itself is never part of that.
    """
    if isinstance(data, dict):
        for key, inner in data.items():
            yield from wrong_names(inner, (*path, key))
    elif isinstance(data, list):
        for inner in data:
            yield from wrong_names(inner, path)
    elif isinstance(data, str) and (name := _named(path, data)) is not None and not is_name(name):
        what = f"`{'.'.join(path)}` is the name of an environment variable, such as `MAIL_KEY`"
        yield path, f"{what}; set the variable to the secret, and keep the secret out of this file"


def is_name(text: str) -> bool:
    """Tell whether an environment variable may be called so."""
    return _NAME.fullmatch(text) is not None


def _named(path: KeyPath, text: str) -> str | None:
    """Return the text that should be the name of a variable; None where none is expected."""
    if path and str(path[-1]).endswith("_env"):
        return text
    return text.removeprefix(_VARIABLE) if text.startswith(_VARIABLE) else None
