"""CONTRIBUTING lists the files that an addition touches, and the lists are true."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from cij.compiler.channels import CHANNELS
from cij.compiler.declaration_kinds import KIND_OF
from cij.compiler.source_kinds import SOURCE_KINDS
from cij.grammar.grammar_text import STEP_WORDS
from tests.additions import ADDITIONS, PREAMBLE, Addition, Insertion
from tests.builders import REPOSITORY

PORTIONS = ("grammar", "compiler", "runtime", "stdlib", "app")
# A name in capitals stands for any.
_NEW = re.compile(r"(?<![A-Za-z_])[A-Z]{4,}(?![A-Za-z_])")


@cache
def listed() -> dict[str, list[str]]:
    """Return the files of each heading below `How to add`, by the heading without its mark."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
    chapter = text.split("\n## How to add\n")[1].split("\n## ")[0]
    sections = [part.split("\n", 1) for part in chapter.split("\n### ")[1:]]
    return {
        title.removesuffix(" *"): re.findall(r"^- `([^`]+)`", body, re.MULTILINE)
        for title, body in sections
    }


def replayed() -> set[str]:
    """Return the headings with the mark of those that a recorded addition is replayed for."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
    return set(re.findall(r"^### (.+) \*$", text, re.MULTILINE))


def is_named(file: str, names: list[str]) -> bool:
    return any(re.fullmatch(_NEW.sub(r"\\w+", re.escape(name)), file) for name in names)


# Runs every check and prints what went wrong, by title. The new code must come from the copy, and not
# from the checkout that is installed.
_RUN = """
import json, sys, traceback
import cij.compiler.declaration_kinds
root, preamble, checks = json.loads(sys.stdin.read())
assert cij.compiler.declaration_kinds.__file__.startswith(root), cij.compiler.declaration_kinds.__file__
failures = {}
for title, check in checks.items():
    try:
        exec(preamble + check, {})
    except Exception:
        failures[title] = traceback.format_exc()
print(json.dumps(failures))
"""


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Apply all additions to one copy of the sources and run their checks, in one process for speed."""
    root = tmp_path_factory.mktemp("sources")
    for portion in PORTIONS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / portion / "cij", root / portion / "cij", ignore=ignored)
    for change in (change for addition in ADDITIONS for change in addition.changes):
        change.apply(root)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(root / portion) for portion in PORTIONS),
        # The grammar differs, so its parse table must not replace the user's.
        "XDG_CACHE_HOME": str(root / "cache"),
    }
    checks = {addition.title: addition.check for addition in ADDITIONS}
    done = subprocess.run(
        [sys.executable, "-c", _RUN],
        input=json.dumps([str(root), PREAMBLE, checks]),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda a: a.title)
def test_a_recorded_addition_works(addition: Addition, failures: dict[str, str]) -> None:
    assert addition.title not in failures, failures[addition.title]


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda a: a.title)
def test_contributing_lists_the_files_of_an_addition(addition: Addition) -> None:
    names = listed()[addition.title]
    assert len(addition.files) <= addition.files_max
    unlisted = [file for file in addition.files if not is_named(file, names)]
    assert not unlisted, f"CONTRIBUTING does not name these below `{addition.title}`: {unlisted}"
    untouched = [n for n in names if not any(is_named(file, [n]) for file in addition.files)]
    assert not untouched, f"these need no change, so take them out of CONTRIBUTING: {untouched}"


def test_what_is_marked_as_replayed_is_replayed() -> None:
    assert replayed() == {addition.title for addition in ADDITIONS}


def test_every_listed_file_exists() -> None:
    assert all(listed().values())
    named = [name for names in listed().values() for name in names if not _NEW.search(name)]
    assert [name for name in named if not (REPOSITORY / name).is_file()] == []


# Words of which a literal may hold this many at most, but for their own table.
_TABLES = (
    (frozenset(CHANNELS), 1, "compiler/cij/compiler/channels.py"),
    # `duckdb` is also a dialect of SQL, as `postgres` is.
    (frozenset(SOURCE_KINDS) - {"duckdb"}, 1, "compiler/cij/compiler/source_kinds.py"),
    (frozenset(STEP_WORDS), 3, "grammar/cij/grammar/grammar_text.py"),
    (frozenset(KIND_OF), 3, "compiler/cij/compiler/declaration_kinds.py"),
)


def literals(text: str) -> Iterator[frozenset[str]]:
    """Yield the texts of every literal that is a list of some kind, a dict by its keys."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            yield frozenset(filter(None, map(_text, node.elts)))
        elif isinstance(node, ast.Dict):
            yield frozenset(filter(None, map(_text, node.keys)))


def _text(node: ast.expr | None) -> str | None:
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return str(node.value) if isinstance(node, ast.Constant) and is_text else None


def repeats(file: str, text: str) -> Iterator[str]:
    """Yield what a file lists by hand though a table has it."""
    tables = [
        (words, most, table)
        for words, most, table in _TABLES
        # Parsing all files takes seconds, and few have the words at all.
        if file != table and sum(f'"{word}"' in text for word in words) > most
    ]
    for literal in literals(text) if tables else ():
        for words, most, table in tables:
            if len(literal & words) > most:
                yield f"{file}: {sorted(literal & words)} stand in {table}"


def test_nobody_keeps_a_list_of_what_a_table_has() -> None:
    found: list[str] = []
    for portion in PORTIONS:
        for path in (REPOSITORY / portion / "cij").rglob("*.py"):
            file = path.relative_to(REPOSITORY).as_posix()
            found += repeats(file, path.read_text("utf-8"))
    assert not found, "\n".join(found)


def test_a_repeated_list_is_found() -> None:
    [found] = repeats("a.py", 'CHANNELS = {"email": 1, "sms": 2}')
    assert found == "a.py: ['email', 'sms'] stand in compiler/cij/compiler/channels.py"


def test_a_literal_is_seen_in_any_form() -> None:
    text = "a = ('csv', 'sqlite'); b = {'email': 1, 'sms': 2}; c: Literal['csv', 'sqlite']"
    assert [sorted(found) for found in literals(text)] == [
        ["csv", "sqlite"],
        ["email", "sms"],
        ["csv", "sqlite"],
    ]


def test_an_anchor_that_is_gone_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\nx = 1\n")
    for anchor in ("y", "x"):
        with pytest.raises(AssertionError, match="give it an anchor that fits"):
            Insertion("a.py", anchor, "").apply(tmp_path)
