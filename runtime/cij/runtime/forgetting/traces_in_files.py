"""Every kind of file in the folder of a project: what it holds of a person, and what forgetting does (S27)."""

import json
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.runtime import held_clicks, intake_log
from cij.runtime.delivery.channels.files import path_of
from cij.runtime.forgetting.exported_files import clean_exports
from cij.runtime.inbox import answers_folder, folder_of
from cij.runtime.private_files import require_inside, write_private
from cij.runtime.state_folder import state_folder

# Folders that are not of the project, or whose files nobody can change piece by piece.
_NOT_SEARCHED = frozenset([".git", ".venv", "node_modules", "__pycache__"])
_CHUNK = 1 << 20


class Texts:
    """Finds texts of a person in bytes: as UTF-8 or escaped as in JSON, in any case, as whole words."""

    def __init__(self, texts: Iterable[str]) -> None:
        forms = {form for text in texts if text for form in (text, json.dumps(text)[1:-1])}
        self._forms = sorted({form.lower().encode("utf-8", "replace") for form in forms})
        escaped = map(re.escape, self._forms)
        # The address of `ana` is a part of the one of `joana`.
        pattern = rb"(?<![a-z0-9._%+-])(?:" + b"|".join(escaped) + rb")(?![a-z0-9_-])"
        self._pattern = re.compile(pattern) if forms else None
        self._longest = max(map(len, self._forms), default=0)

    def are_in(self, data: bytes) -> bool:
        """Tell whether one of the texts is in some bytes."""
        lower = _lower(data)
        # Looking for the forms first takes a twentieth of the time of the pattern.
        is_likely = any(form in lower for form in self._forms)
        return is_likely and self._pattern is not None and bool(self._pattern.search(lower))

    def are_in_file(self, path: Path) -> bool:
        """Tell whether one of the texts is in a file. Raises: OSError."""
        rest = b""
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if self.are_in(rest + chunk):
                    return True
                rest = chunk[-self._longest - 1 :]
        return False


def _lower(data: bytes) -> bytes:
    # Letters of other scripts too, where it is text.
    return data.decode("utf-8", "surrogateescape").lower().encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Message:
    """A message or call of the person, as far as files are found by it."""

    key: str
    channel: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What the files of a project are searched for. `exports` are files of exports, below `root`."""

    root: Path
    state: Path
    folders: tuple[Path, ...]
    messages: tuple[Message, ...]
    texts: Texts
    names: Texts
    ids: frozenset[str] = frozenset()
    exports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A kind of file. `clean` returns how many were changed or deleted."""

    name: str
    holds: str
    does: str
    clean: Callable[[Cleaning], int]


def _messages(of: Cleaning) -> int:
    paths = (
        folder / path_of(each.channel, each.key, each.created_at)
        for folder in of.folders
        for each in of.messages
    )
    return sum(_deleted(of, file) for path in paths for file in (path, path.with_suffix(".tmp")))


def _calls(of: Cleaning) -> int:
    keys = frozenset(each.key for each in of.messages)

    def kept(line: bytes) -> bytes:
        key = _key_of(line)
        # The key stays, so that a run that broke off writes no call twice.
        return json.dumps({"data": {"key": key}}).encode() if key in keys else line

    files = (file for folder in of.folders for file in folder.glob("action/*/*.jsonl"))
    return sum(_rewritten(of, file, kept) for file in files)


def _handed_in(of: Cleaning) -> int:
    return _without_lines(of, (of.root / folder_of()).glob("**/*.jsonl"))


def _logged(of: Cleaning) -> int:
    folder = of.root / intake_log.folder_of_log()
    return _without_lines(of, (*folder.glob("*.log"), *folder.glob(f"*{held_clicks.SUFFIX}")))


def _without_lines(of: Cleaning, files: Iterable[Path]) -> int:
    """Delete the lines that name the person."""

    def kept(line: bytes) -> bytes:
        return b"" if of.texts.are_in(line) else line

    return sum(_rewritten(of, file, kept) for file in files)


def _handover(of: Cleaning) -> int:
    def kept(line: bytes) -> bytes:
        if not of.texts.are_in(line):
            return line
        row = json.loads(line)
        return json.dumps({**row, "reason": None}).encode()

    return sum(_rewritten(of, file, kept) for file in of.state.parent.glob("handover*.jsonl"))


def _answers(of: Cleaning) -> int:
    return _delete_where_named(of, (of.root / answers_folder()).glob("*.json"), of.texts)


def _status(of: Cleaning) -> int:
    return _delete_where_named(of, (of.root / state_folder()).glob("status.*"), of.names)


def _reports(of: Cleaning) -> int:
    return _delete_where_named(of, of.root.glob("**/cij-bug-*.txt"), of.texts)


def _spilled(of: Cleaning) -> int:
    """Delete what runs that broke off have left: no run has the state open now."""
    names = (f"{of.state.name}.tmp", f"{of.state.name}.load.tmp")
    folders = [of.state.with_name(name) for name in names if of.state.with_name(name).is_dir()]
    for folder in folders:
        require_inside(of.root, folder)
        shutil.rmtree(folder)
    files = [*of.state.parent.glob("*.part"), *of.state.parent.glob(f"{of.state.name}.*.new")]
    files += [of.state.with_name(f"{of.state.name}.restoring")]
    return len(folders) + sum(_deleted(of, file) for file in files)


def _exports(of: Cleaning) -> int:
    return clean_exports(of.root, of.exports, of.ids)


FILES = (
    FilePlace("outbox/CHANNEL/DAY", "messages to them", "deletes them", _messages),
    FilePlace("outbox/action/NAME", "calls about them", "empties their lines but for the key", _calls),
    FilePlace("files of exports", "rows about them", "deletes their rows", _exports),
    FilePlace(".cij/inbox", "events that nobody took yet, or that were refused", "deletes their lines", _handed_in),
    FilePlace(".cij/intake", "events of the service that no step took yet", "deletes their lines", _logged),
    FilePlace(".cij/handover.jsonl", "answers of mail servers", "empties their reasons", _handover),
    FilePlace(".cij/answers", "answers to orders", "deletes those that name them", _answers),
    FilePlace(".cij/status.json", "the last report", "deletes it where it names them", _status),
    FilePlace("cij-bug-*.txt", "reports of bugs", "deletes those that name them", _reports),
    FilePlace(".cij/*.tmp, *.part", "what broken runs left", "deletes it", _spilled),
)  # fmt: skip


def clean_files(of: Cleaning) -> dict[str, int]:
    """Empty all files of a person and return how many, by the name of their place."""
    found = {place.name: place.clean(of) for place in FILES}
    return {name: count for name, count in found.items() if count}


def files_that_name(of: Cleaning, written_anew: Collection[Path]) -> list[str]:
    """Return the files of the project that name the person still, as paths below its folder.

    States that were written anew need no look.
    """
    found = []
    for path in _all_files(of.root):
        if path in written_anew:
            continue
        try:
            if of.texts.are_in_file(path):
                found.append(path.relative_to(of.root).as_posix())
        except OSError:
            # Nobody can read it, so it is named: it may hold them.
            found.append(path.relative_to(of.root).as_posix())
    return sorted(found)


def _all_files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in _NOT_SEARCHED]
        yield from (path for name in names if (path := Path(folder, name)).is_file())


# --- one file -----------------------------------------------------------------------------------


def _deleted(of: Cleaning, path: Path) -> int:
    if not path.is_file() or path.is_symlink():
        return 0
    require_inside(of.root, path)
    path.unlink()
    return 1


def _delete_where_named(of: Cleaning, paths: Iterable[Path], texts: Texts) -> int:
    files = (path for path in paths if path.is_file() and texts.are_in_file(path))
    return sum(_deleted(of, path) for path in list(files))


def _rewritten(of: Cleaning, path: Path, kept: Callable[[bytes], bytes]) -> int:
    """Rewrite a file with what `kept` makes of each line; delete it where nothing is left."""
    if not path.is_file() or path.is_symlink():
        return 0
    require_inside(of.root, path)
    before = path.read_bytes().split(b"\n")
    after = [line for line in map(kept, before) if line]
    if after == [line for line in before if line]:
        return 0
    if after:
        write_private(path, b"\n".join(after) + b"\n")
    else:
        path.unlink()
    return 1


def _key_of(line: bytes) -> Any:
    try:
        return json.loads(line)["data"]["key"]
    except (ValueError, KeyError, TypeError):
        return None
