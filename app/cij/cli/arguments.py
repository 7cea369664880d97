"""Types of arguments: bounded numbers, local times, and words that may be a path or a name."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

_DAY_S = 86_400


class Amount(click.FloatRange):
    """A number in bounds.

    `nan` is refused: Python reads it as a number, and no comparison excludes it.
    """

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


class LocalTime(click.DateTime):
    """A day, or a day and a time, in the zone of the project."""

    def get_metavar(self, *_: Any, **__: Any) -> str:
        """Return the word for the help.

        Click would show Python's formats, which few readers know.
        """
        return "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not a time; write for example 2026-03-02 10:00", param, ctx)


# Shorter intervals would only load the machine.
INTERVAL_S = Amount(0.05, _DAY_S)
PATIENCE_S = Amount(0, _DAY_S)


def path_and_name(words: Sequence[str]) -> tuple[Path, str | None]:
    """Return the path and the name among up to two words, in either order.

    A word is a path if it exists, or if it contains a separator. In the second case the code that
    opens it reports the error.
    """
    if len(words) > 2:
        raise click.UsageError("give at most a PATH and a NAME")
    paths = [word for word in words if _is_path(word)]
    names = [word for word in words if word not in paths]
    if len(words) == 2 and len(names) != 1:
        # Both words exist, or neither. Then the order of the usage line decides.
        return Path(words[0]), words[1]
    return Path(paths[0] if paths else "."), names[0] if names else None


def _is_path(word: str) -> bool:
    return "/" in word or "\\" in word or Path(word).exists()


class Percent(click.ParamType[int]):
    """A whole percentage such as `5%`, as a number."""

    name = "PERCENT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = str(value).strip().removesuffix("%")
        if not text.isascii() or not text.isdigit() or len(text) > 3 or int(text) > 100:
            self.fail(f"{value!r} is not a whole percentage; write for example 5%", param, ctx)
        return int(text)


PERCENT = Percent()
