"""The kinds of export, with the ending of their files, and what a path may be."""

import re
from dataclasses import dataclass

from cij.compiler.export_part import DATE, INSTANT


@dataclass(frozen=True, slots=True)
class ExportKind:
    """`ending` is that of the files; None where the rows go into a table of a database."""

    word: str
    ending: str | None


_ROWS = (
    ExportKind("csv", ".csv"),
    ExportKind("jsonl", ".jsonl"),
    ExportKind("parquet", ".parquet"),
    ExportKind("postgres", None),
)
EXPORT_KINDS: dict[str, ExportKind] = {row.word: row for row in _ROWS}

# Small letters, so that nobody has to quote it.
_TABLE = re.compile(r"[a-z_][a-z0-9_]{0,62}(?:\.[a-z_][a-z0-9_]{0,62})?")
# Neither hidden nor `..`, and without characters that a system may not take.
_PART = re.compile(r"[^\W_](?:[\w. -]*\w)?")


def fault_of_path(path: str, kind: str) -> str | None:
    """Return why an export of a kind cannot be written to a path; None where it can."""
    ending = EXPORT_KINDS[kind].ending
    assert ending is not None, "a table has no path"
    if not path.endswith(ending):
        return f"a file of kind `{kind}` ends with `{ending}`"
    named = path.replace(DATE, "date").replace(INSTANT, "instant")
    if re.search(r"[{}]", named):
        return f"in a path, only `{DATE}` and `{INSTANT}` are replaced"
    *folders, _ = parts = named.split("/")
    if not folders or not all(_PART.fullmatch(part) for part in parts):
        return "a path is a folder of the project and a file in it, without hidden names and `..`"
    return None


def fault_of_table(name: str) -> str | None:
    """Return why an export cannot write to a table of this name; None where it can."""
    if _TABLE.fullmatch(name):
        return None
    return "the name of a table has small letters, digits and `_`, and may have a schema before it"
