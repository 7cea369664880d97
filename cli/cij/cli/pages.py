"""The pages that ship with cij: one for each diagnostic code, one for each rule of the semantics."""

import re
from importlib import resources
from importlib.resources.abc import Traversable

_FOLDERS = {"diagnostics": re.compile(r"CIJ\d{3}"), "semantics": re.compile(r"S\d{1,2}")}


def page(name: str) -> str | None:
    """Return the text of the page of a code or rule, in any case of letters, or None."""
    upper = name.upper()
    for folder, pattern in _FOLDERS.items():
        file = _folder(folder) / f"{upper}.md"
        if pattern.fullmatch(upper) and file.is_file():
            return file.read_text(encoding="utf-8")
    return None


def titles(folder: str) -> dict[str, str]:
    """Return the first heading of each page of a folder by name, in the order of the numbers."""
    names = [entry.name.removesuffix(".md") for entry in _folder(folder).iterdir()]
    known = sorted((n for n in names if _FOLDERS[folder].fullmatch(n)), key=_number)
    return {name: _title(_folder(folder) / f"{name}.md") for name in known}


def _folder(name: str) -> Traversable:
    return resources.files("cij.compiler") / "pages" / name


def _number(name: str) -> int:
    return int(re.sub(r"\D", "", name))


def _title(file: Traversable) -> str:
    first = file.read_text(encoding="utf-8").splitlines()[0].removeprefix("#").strip()
    return first.split(" ", 1)[1] if " " in first else first
