"""The pages that ship with cij: diagnostic codes, rules of the semantics, words of the language, terms."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

_FOLDERS = {"diagnostics": re.compile(r"CIJ\d{3}"), "semantics": re.compile(r"S\d{1,2}")}


def page(name: str) -> str | None:
    """Return the page of a code or rule; None without one. Case does not matter."""
    upper = name.upper()
    for folder, pattern in _FOLDERS.items():
        file = _folder(folder) / f"{upper}.md"
        if pattern.fullmatch(upper) and file.is_file():
            return file.read_text(encoding="utf-8")
    return None


def word_page(word: str) -> str | None:
    """Return the page of a word of the language or of a term, such as `goal` or `passage`; None without one."""
    wanted = " ".join(word.lower().split())
    return _word_pages().get(wanted) or _also().get(wanted) or _terms().get(wanted)


def language_words() -> list[str]:
    """Return the words of the language that have a page, in the order of the pages."""
    return list(_word_pages())


def terms() -> list[str]:
    """Return what the documentation and the commands call things that are no words of the language."""
    return list(_terms())


@cache
def _terms() -> dict[str, str]:
    return {head: f"# {head}\n{body}" for head, body in _parts("terms.md")}


def _parts(file: str) -> Iterator[tuple[str, str]]:
    text = (resources.files("cij.compiler") / "pages" / file).read_text(encoding="utf-8")
    for part in text.split("\n## ")[1:]:
        head, _, body = part.partition("\n")
        yield head, f"{body.rstrip()}\n"


@cache
def _word_pages() -> dict[str, str]:
    found: dict[str, str] = {}
    for head, body in _parts("words.md"):
        # `at most` is one word of the language; `starts ends` are two words with one page.
        names = [head] if head == "at most" else head.split()
        found |= {name: f"# {head}\n{body}" for name in names}
    return found


@cache
def _also() -> dict[str, str]:
    """Return the page of each word that has none of its own: the page that names it as `Also`."""
    found: dict[str, str] = {}
    for text in _word_pages().values():
        line = re.search(r"^Also: (.+)\.$", text, re.MULTILINE)
        found |= dict.fromkeys(re.findall(r"`([^`]+)`", line[1]) if line else (), text)
    return found


def titles(folder: str) -> dict[str, str]:
    """Return the title of each page of a folder by its name, in the order of their numbers."""
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
