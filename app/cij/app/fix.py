"""Applies the fixes of diagnostics in rounds, until nothing changes."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cij.app.atomic_write import write_atomically
from cij.app.compile import Compiled, compile_opened
from cij.app.project import Project, open_project
from cij.grammar.diagnostic import Diagnostic, Edit, Fix

# A fix may reveal another mistake, so there are several rounds. The limit ends fixes that undo each
# other.
ROUNDS_MAX = 10
# The byte order mark of UTF-8, which the compiler removes from texts.
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Fixed:
    """A project after its fixes. `before` and `after` have the texts of changed files by name."""

    compiled: Compiled
    count: int
    before: dict[str, str]
    after: dict[str, str]

    @property
    def summary(self) -> str:
        """The result in words, such as `3 mistakes in 2 files`."""
        mistakes, files = _count(self.count, "mistake"), _count(len(self.after), "file")
        return f"{mistakes} in {files}" if self.count else "nothing"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def fix(project: Project, *, is_unsafe: bool) -> Fixed:
    """Return the project with all safe fixes applied to its texts; with `is_unsafe` also the
    others.

    Nothing is written; `write_fixed` does that.
    """
    result = compile_opened(project)
    before, texts, count = result.texts, dict(result.texts), 0
    seen = [texts]
    for _ in range(ROUNDS_MAX):
        chosen = choose(result.diagnostics, texts, is_unsafe=is_unsafe)
        texts = {**texts, **_applied(chosen, texts)}
        if texts in seen:
            break
        seen.append(texts)
        count += len(chosen)
        result = compile_opened(project, texts)
        texts = {**texts, **result.texts}
    after = {name: text for name, text in seen[-1].items() if text != before.get(name, text)}
    return Fixed(result, count, {name: before[name] for name in after}, after)


def choose(
    diagnostics: Iterable[Diagnostic], texts: Mapping[str, str], *, is_unsafe: bool
) -> list[Fix]:
    """Return at most one fix for each diagnostic. No two of them change the same text."""
    chosen: list[Fix] = []
    taken: list[Edit] = []
    for diagnostic in diagnostics:
        found = next((f for f in diagnostic.fixes if f.is_safe or is_unsafe), None)
        if found is None or any(edit.span.file not in texts for edit in found.edits):
            continue
        if not any(_touch(edit, other) for edit in found.edits for other in taken):
            chosen.append(found)
            taken += found.edits
    return chosen


def _touch(edit: Edit, other: Edit) -> bool:
    # Adjacent edits touch too: the order of two insertions at one place would be undefined.
    a, b = edit.span, other.span
    return a.file == b.file and a.start <= b.end and b.start <= a.end


def _applied(fixes: Iterable[Fix], texts: Mapping[str, str]) -> dict[str, str]:
    edits = [edit for fix in fixes for edit in fix.edits]
    changed: dict[str, str] = {}
    # From the last to the first, because an edit moves only the text after it.
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        file, span = edit.span.file, edit.span
        text = changed.get(file, texts[file])
        changed[file] = text[: span.start] + edit.text + text[span.end :]
    return changed


def fix_files(path: Path, *, is_unsafe: bool) -> Fixed:
    """Fix the project at `path` and write its files. Raises: ConfigError."""
    fixed = fix(open_project(path), is_unsafe=is_unsafe)
    write_fixed(fixed)
    return fixed


def write_fixed(fixed: Fixed) -> None:
    """Write the changed files, each atomically. A byte order mark is kept. Raises: ConfigError."""
    root = fixed.compiled.project.root
    for name, text in fixed.after.items():
        path = root / name
        with path.open("rb") as file:
            mark = "\ufeff" if file.read(len(_MARK)) == _MARK else ""
        write_atomically(path, mark + text, root)


def difference(fixed: Fixed) -> str:
    """Return the changes as a unified diff."""
    parts: list[str] = []
    for name in sorted(fixed.after):
        old, new = (texts[name].splitlines(keepends=True) for texts in (fixed.before, fixed.after))
        parts += difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")
    return "".join(p if p.endswith("\n") else f"{p}\n\\ No newline at end of file\n" for p in parts)
