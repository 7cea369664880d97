"""Reads one `.journey` file.

It loads no other modules of a project, since `cij fmt` needs only files.
"""

import os
import stat
from pathlib import Path

from cij.grammar.codes import UNREADABLE_FILE
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.span import Span, file_start

SUFFIX = ".journey"
# No author writes a longer file. The limit keeps a wrong file from using all memory.
FILE_BYTES_MAX = 5_000_000
_MARK = b"\xef\xbb\xbf"


def read_file(file: Path, name: str) -> str | Diagnostic:
    """Return the text without a byte order mark, or a diagnostic where the file cannot be used."""
    try:
        data = _bytes(file)
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}"
        return UNREADABLE_FILE.at(file_start(name), message)
    if data is None:
        return _unreadable(file_start(name), "this is no ordinary file")
    return text_of(data, name)


def text_of(data: bytes, name: str) -> str | Diagnostic:
    """Return the text of a file's bytes, or a diagnostic where they are none; see `read_file`."""
    if len(data) > FILE_BYTES_MAX:
        return _unreadable(file_start(name), f"the file is larger than {FILE_BYTES_MAX} bytes")
    return _text(data.removeprefix(_MARK), name)


def _bytes(file: Path) -> bytes | None:
    """Return the content, at most slightly more than the limit; None for other than regular files.

    Reading a pipe or a device might never end.
    """
    # Without this flag, opening a pipe waits for a writer.
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as opened:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        return opened.read(FILE_BYTES_MAX + len(_MARK) + 1)


def _text(data: bytes, name: str) -> str | Diagnostic:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8 text"
        return _unreadable(_place(name, data[: error.start].decode()), message)
    if "\0" in text:
        return _unreadable(_place(name, text[: text.index("\0")]), "the file has a NUL character")
    return text


def _unreadable(span: Span, message: str) -> Diagnostic:
    return UNREADABLE_FILE.at(span, message, help="save the file as UTF-8 text")


def _place(name: str, before: str) -> Span:
    """Return the empty span after the text `before`."""
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return Span(name, len(before), len(before), line, column, line, column)
