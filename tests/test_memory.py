"""What is remembered between runs: it saves work, and never changes what is said."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from cij.app import cache, check_cache, project_check, syntax_cache
from cij.app.check_report import CheckReport
from cij.app.compile import Compiled
from cij.cli.exits import Exit
from cij.compiler import compilation
from cij.grammar import syntax
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.parser import parse
from cij.grammar.private_folder import keep, kept
from tests.example import copy_example, inside, keep_parse_table, replace, start

JOURNEY = "journeys/loyalty.journey"
CATALOG = '{"version": 1, "sources": {"shop": {"columns": {"zone": {"type": "text"}}}}}'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Turn remembering on, in a folder of the test's own."""
    monkeypatch.delenv("CIJ_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "cij"


@pytest.fixture
def project(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = copy_example(tmp_path)
    replace(found / "cij.toml", 'folder = "outbox"', 'folder = "env:CIJ_TEST_FOLDER"')
    monkeypatch.setenv("CIJ_TEST_FOLDER", "outbox")
    return found


def check(project: Path, *options: str) -> tuple[int, str, str]:
    return inside("check", str(project), *options)


def afresh(project: Path, *options: str) -> tuple[int, str, str]:
    """Check without remembering."""
    os.environ["CIJ_CACHE"] = "off"
    try:
        return check(project, *options)
    finally:
        del os.environ["CIJ_CACHE"]


def never(*_: object) -> None:
    pytest.fail("it is known already")


# --- whole checks -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [(), ("--json",), ("--format", "sarif"), ("--deny", "warnings")]
)
def test_a_check_of_the_same_is_not_made_again(
    project: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    replace(project / JOURNEY, "points }} loyalty", "pointz }} loyalty")
    first = check(project)
    assert first[0] == Exit.ERRORS and "pointz" in first[1]
    expected = afresh(project, *options)
    monkeypatch.setattr(project_check, "check", never)
    assert check(project) == first
    assert check(project, *options) == expected
    assert check(project / JOURNEY) == first


def edit(file: str, old: str, new: str) -> Callable[[Path], object]:
    return lambda project: replace(project / file, old, new)


def write(file: str, text: str) -> Callable[[Path], object]:
    return lambda project: (project / file).write_text(text, "utf-8")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a journey": edit(JOURNEY, "points > 1000", "pointz > 1000"),
    "a comment": edit(JOURNEY, "# Everybody with", "# All with"),
    "another file": write("journeys/more.journey", "segment loyal {}\n"),
    "an unreadable file": write("journeys/more.journey", "\0"),
    "a file less": lambda project: (project / "journeys/data.journey").unlink(),
    "a file's name": lambda project: (project / JOURNEY).rename(project / "journeys/z.journey"),
    "a file that a message names": edit("content/loyal20.es.md", "{{ points }}", "{{ pointz }}"),
    "no file that a message names": lambda project: (project / "content/loyal20.es.md").unlink(),
    "a setting": edit("cij.toml", "Europe/Madrid", "Europe/Madird"),
    "settings that are none": edit("cij.toml", "[project]", "[project"),
    "a variable": lambda _: os.environ.pop("CIJ_TEST_FOLDER"),
    "a catalog": write("catalog.lock.json", CATALOG),
    "a damaged catalog": write("catalog.lock.json", "{"),
}


# What says nothing new, and is looked at all the same.
SILENT = {"a comment", "a file's name", "a catalog"}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_a_check_reads_makes_another_check(project: Path, change: str) -> None:
    before = check(project)
    CHANGES[change](project)
    assert check(project) == check(project) == afresh(project)
    assert change in SILENT or check(project) != before


@pytest.mark.parametrize("change", [c for c in CHANGES if "a variable" not in c])
def test_a_change_that_says_nothing_new_is_looked_at_all_the_same(
    project: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(project)
    CHANGES[change](project)
    looked: list[check_cache.Question] = []
    whole = project_check.check

    def counted(question: check_cache.Question) -> CheckReport:
        looked.append(question)
        return whole(question)

    monkeypatch.setattr(project_check, "check", counted)
    check(project)
    assert len(looked) == 1


def test_what_changes_while_it_is_checked_is_not_remembered(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = project_check.compile_found

    def changing(question: check_cache.Question) -> Compiled:
        found = whole(question)
        (project / "catalog.lock.json").write_text(CATALOG)
        return found

    monkeypatch.setattr(project_check, "compile_found", changing)
    question = check_cache.ask(project)
    project_check.check(question)
    (project / "catalog.lock.json").unlink()
    assert check_cache.answer(question) is None


# --- syntax trees -----------------------------------------------------------------------------


def test_only_files_that_changed_are_parsed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def counted(file: str, text: str) -> tuple[syntax.File, list[Diagnostic]]:
        parsed.append(file)
        return parse(file, text)

    monkeypatch.setattr(compilation, "parse", counted)
    check(project)
    assert parsed == ["journeys/data.journey", JOURNEY]
    parsed.clear()
    replace(project / JOURNEY, "points > 1000", "points > 1001")
    assert check(project) == afresh(project)
    assert parsed == [JOURNEY, "journeys/data.journey", JOURNEY]
    parsed.clear()
    assert inside("build", str(project))[0] == inside("graph", str(project))[0] == Exit.OK
    assert parsed == []


def test_a_tree_read_again_is_the_tree(folder: Path, tmp_path: Path) -> None:
    deep = "if x { " * 98 + "if " + "not " * 90 + "x { end }" + " }" * 98
    texts = {
        "a.journey": "segment a {\n  where x\n}\n",
        "b.journey": "segment a {\n  where x >\n}\n",
        "deep.journey": f"journey j {{ steps {{ {deep} }} }}",
    }
    first = syntax_cache.parse_project(tmp_path, texts)
    again = syntax_cache.parse_project(tmp_path, texts)
    assert first == again == compilation.parse_files(texts)
    spans = [
        [d.span for d in f.declarations] for found in (first, again) for f in found[0].values()
    ]
    assert spans[:3] == spans[3:]


# --- the folder -------------------------------------------------------------------------------


def entries(folder: Path, kind: str) -> list[Path]:
    return sorted(folder.glob(f"{kind}-*"))


def test_the_switch_turns_it_off(project: Path, folder: Path) -> None:
    afresh(project)
    assert not entries(folder, "answer") and not entries(folder, "trees")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has no such modes")
@pytest.mark.parametrize("kind", ["answer", "trees"])
def test_what_others_could_write_is_not_read(
    project: Path, folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = check(project)
    for file in entries(folder, kind):
        file.chmod(0o666)
    for file in entries(folder, "answer"):
        file.chmod(0o666)
    if kind == "trees":
        monkeypatch.setattr(pickle, "loads", never)
    assert check(project) == first


def test_what_is_damaged_is_made_again(project: Path, folder: Path) -> None:
    first = check(project)
    for file in (*entries(folder, "answer"), *entries(folder, "trees")):
        data = file.read_bytes()
        file.write_bytes(data[:-3] + b"\0\0\0")
    assert check(project) == check(project) == first


def test_a_folder_that_cannot_be_made_is_no_error(project: Path, folder: Path) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder would be")
    assert check(project) == check(project) == afresh(project)


def test_the_folder_has_a_bound(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "BYTES_MAX", 10_000)
    roots = [Path("/", str(number)) for number in range(20)]
    for number, root in enumerate(roots):
        cache.remember("answer", root, b"x" * 1000)
        os.utime(max(folder.iterdir(), key=lambda p: p.stat().st_ctime_ns), (number, number))
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 10_000
    assert cache.recalled("answer", roots[-1]) is not None
    assert cache.recalled("answer", roots[0]) is None


def test_other_code_remembers_nothing_of_this(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.remember("answer", tmp_path, "old")
    assert cache.recalled("answer", tmp_path) == "old"
    monkeypatch.setattr(cache, "code_version", lambda: "another version")
    assert cache.recalled("answer", tmp_path) is None


def test_a_file_is_whole_or_not_there(folder: Path) -> None:
    keep("one", b"text")
    assert kept("one") == b"text"
    (folder / "one").write_bytes((folder / "one").read_bytes() + b"more")
    assert kept("one") is None and kept("two") is None


@pytest.mark.slow
def test_processes_may_check_at_once(project: Path) -> None:
    expected = afresh(project)[1]
    keep_parse_table()
    running = [start("check", project) for _ in range(4)]
    assert [process.communicate(timeout=60)[0] for process in running] == [expected] * 4
    assert check(project)[1] == expected
