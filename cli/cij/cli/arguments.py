"""Arguments of which one word may be a path or a name: `cij sql loyal`, `cij sql examples/x`."""

from collections.abc import Sequence
from pathlib import Path

import click


def path_and_name(words: Sequence[str]) -> tuple[Path, str | None]:
    """Return the path and the name among up to two words, in either order.

    A word is the path when something of this name exists; a path that does not exist is
    recognised by its separator, so that the message about it comes from whoever opens it.
    """
    if len(words) > 2:
        raise click.UsageError("give a PATH and a NAME, and no more")
    paths = [word for word in words if _is_path(word)]
    names = [word for word in words if word not in paths]
    if len(words) == 2 and len(names) != 1:
        # Both may exist or neither: then the order decides, as the usage line says.
        return Path(words[0]), words[1]
    return Path(paths[0] if paths else "."), names[0] if names else None


def _is_path(word: str) -> bool:
    return "/" in word or "\\" in word or Path(word).exists()
