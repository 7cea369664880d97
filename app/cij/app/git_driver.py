"""`cij diff --driver`: git calls it for a changed file instead of its own text diff.

git hands over: path, old file, old hash, old mode, new file, new hash, new mode; a rename adds the new path
and a header. An unmerged file has its path alone.
"""

import difflib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cij.app.compared_sides import of_one_file
from cij.app.comparison import compared
from cij.app.request_error import InvalidProject, RequestError
from cij.compiler.review.review_report import Report
from cij.runtime.errors import WorldError

_ARGUMENTS = (1, 7, 9)


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What a change of one file means. Without a `report`, `why_not` says why there is none.

    `lines` are the text diff, which git does not print beside a driver.
    """

    path: str
    report: Report | None
    why_not: str
    lines: tuple[str, ...]


def file_diff(arguments: Sequence[str]) -> FileDiff:
    """Compare the two versions that git hands over. Raises: RequestError for other arguments."""
    if len(arguments) not in _ARGUMENTS:
        raise RequestError(
            "`--driver` is for git: `git config diff.journey.command 'cij diff --driver'`"
        )
    path = arguments[7] if len(arguments) == _ARGUMENTS[2] else arguments[0]
    if len(arguments) == 1:
        return FileDiff(path, None, "it is not merged yet", ())
    old, new = (_file(name) for name in (arguments[1], arguments[4]))
    lines = tuple(_text_diff(arguments[0], path, old, new))
    try:
        return FileDiff(path, compared(of_one_file(path, old, new)), "", lines)
    except InvalidProject as error:
        first = error.diagnostics[0]
        why = f"{first.span.file}:{first.span.line}: {first.message}"
        return FileDiff(path, None, f"the new version does not compile: {why}", lines)
    except WorldError as error:
        return FileDiff(path, None, str(error), lines)


def _file(name: str) -> Path | None:
    return None if name == os.devnull else Path(name)


def _text_diff(path: str, new_path: str, old: Path | None, new: Path | None) -> Iterator[str]:
    one, other = (_lines(file) for file in (old, new))
    names = f"a/{path}" if old else os.devnull, f"b/{new_path}" if new else os.devnull
    for line in difflib.unified_diff(one, other, *names):
        yield line.rstrip("\n")


def _lines(file: Path | None) -> list[str]:
    if file is None:
        return []
    return file.read_bytes().decode("utf-8", "replace").splitlines(keepends=True)
