"""Makes a new project from the files of the template."""

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from cij.app.request_error import RequestError
from cij.runtime.zone_names import zone_names

# Placeholders in the template for the name and the zone of the project.
_NAME, _ZONE = "PROJECT_NAME", "PROJECT_ZONE"
# The prefix for a dot. A template file that begins with a dot could affect this repository, or be
# missing from the wheel.
_DOT = "dot_"


def make_project(folder: Path, timezone: str) -> None:
    """Make a small working project in `folder`.

    Raises: RequestError where the folder is not empty, or for an unknown zone.
    """
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
    # A folder may have any name. In a TOML text only these two characters need an escape.
    safe = name.replace("\\", "\\\\").replace('"', '\\"')
    return text.replace(_NAME, safe).replace(_ZONE, timezone)
