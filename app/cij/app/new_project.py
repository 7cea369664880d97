"""Makes a new project from the files of the template, or from an example."""

import re
from collections.abc import Iterator
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


def make_project(folder: Path, timezone: str | None, example: str | None = None) -> None:
    """Make a small working project in `folder`, or a copy of an example.

    Without `timezone`, the zone is UTC, or that of the example.
    Raises: RequestError where the folder is not empty, or for an unknown zone or example.
    """
    if timezone is not None and timezone not in zone_names():
        raise RequestError(f"`{timezone}` is not an IANA time zone")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"{folder} exists and is not empty")
    name = folder.resolve().name
    found = _of_template(name, timezone or "UTC")
    if example is not None:
        own = _of_example(example, name, timezone)
        found = {path: text for path, text in found.items() if path.startswith(".")} | own
    for file, content in found.items():
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _of_template(name: str, timezone: str) -> dict[str, bytes]:
    files = _files(resources.files("cij.app") / "template", "")
    return {path: _filled(text, name, timezone).encode() for path, text in files}


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


def _of_example(example: str, name: str, timezone: str | None) -> dict[str, bytes]:
    names = example_names()
    if example not in names:
        raise RequestError(f"there is no example `{example}`; there are {', '.join(names)}")
    found = dict(_example_files(_examples() / example, ""))
    settings = _with(found["cij.toml"].decode(), "name", name)
    settings = settings if timezone is None else _with(settings, "timezone", timezone)
    found["cij.toml"] = settings.encode()
    # The page shows commands as they are in a checkout of cij.
    found["README.md"] = found["README.md"].replace(f"examples/{example}".encode(), b".")
    return found


def example_names() -> list[str]:
    """Return the names of the examples, in the order of the alphabet."""
    return sorted(e.name for e in _examples().iterdir() if (e / "cij.toml").is_file())


def _examples() -> Traversable:
    packed = resources.files("cij.app") / "examples"
    # A checkout has them beside the code; the wheel has them in this package.
    return packed if packed.is_dir() else Path(__file__).parents[3] / "examples"


def _example_files(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an example; what a run left there, and scripts that made data, stay."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith((".", "__")) or entry.name == "outbox":
            continue
        if entry.is_dir():
            yield from _example_files(entry, f"{path}{entry.name}/")
        elif not entry.name.endswith(".py"):
            yield path + entry.name, entry.read_bytes()


def _with(settings: str, key: str, value: str) -> str:
    """Return the text of a cij.toml with another value of a key of `[project]`, its first table."""
    line = f'{key} = "{_safe(value)}"'
    changed, count = re.subn(
        rf'^{key} = ".*"$', lambda _: line, settings, count=1, flags=re.MULTILINE
    )
    assert count, f"the example names its {key}"
    return changed


def _filled(text: str, name: str, timezone: str) -> str:
    return text.replace(_NAME, _safe(name)).replace(_ZONE, timezone)


def _safe(name: str) -> str:
    # A folder may have any name. In a TOML text only these two characters need an escape.
    return name.replace("\\", "\\\\").replace('"', '\\"')
