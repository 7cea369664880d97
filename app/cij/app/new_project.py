"""A new project: the files of the template, with its name and its zone."""

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from cij.app.request_error import RequestError
from cij.runtime.zone_names import zone_names

# What the template's files say in place of the project's own name and zone.
_NAME, _ZONE = "PROJECT_NAME", "PROJECT_ZONE"
# A file whose name starts with a dot would act on this repository, or be left out of the wheel.
_DOT = "dot_"


def make_project(folder: Path, timezone: str) -> None:
    """Make a small working project in `folder`. Raises: RequestError unless it is new or empty."""
    if timezone not in zone_names():
        raise RequestError(f"`{timezone}` is not an IANA time zone")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"{folder} exists and is not empty")
    name = folder.resolve().name
    for file, text in _files(resources.files("cij.app") / "template", ""):
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_filled(text, name, timezone), encoding="utf-8", newline="\n")


def _files(folder: Traversable, path: str) -> list[tuple[str, str]]:
    """Return (path in the new project, text) of all files of the template."""
    found: list[tuple[str, str]] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name = entry.name
        here = path + (f".{name.removeprefix(_DOT)}" if name.startswith(_DOT) else name)
        if entry.is_dir():
            found += _files(entry, here + "/")
        else:
            found.append((here, entry.read_text(encoding="utf-8")))
    return found


def _filled(text: str, name: str, timezone: str) -> str:
    # A folder may be called anything; inside a TOML text only these two need an escape.
    safe = name.replace("\\", "\\\\").replace('"', '\\"')
    return text.replace(_NAME, safe).replace(_ZONE, timezone)
