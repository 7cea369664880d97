"""Standard output, whatever it is: closed, full, or in another encoding than UTF-8.

The work of a command is done by the time it speaks of it, so what cannot be printed changes no exit code.
"""

import io
import os
import re
import sys
from contextlib import suppress

from cij.runtime.private_values import hidden

_STREAMS = ("stdin", "stdout", "stderr")


class _Forgiving(io.RawIOBase):
    """Writes to a file descriptor; what it cannot write is lost, and `lost` says why."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__()
        self._raw = raw
        self.lost: OSError | None = None

    def write(self, data: object, /) -> int:
        size = len(memoryview(data))  # type: ignore[arg-type]
        if self.lost is not None:
            return size
        try:
            return self._raw.write(data) or 0  # type: ignore[arg-type]
        except BrokenPipeError:
            # A reader that went away has an exit code of its own.
            raise
        except OSError as error:
            self.lost = error
            return size

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def isatty(self) -> bool:
        return self._raw.isatty()


# What a terminal takes for a command: control characters, and those that turn the direction of text.
# The codes of our own colours are let through (`render/colour.py`); with them foreign text can be coloured.
_COMMAND = re.compile(
    "\x1b\\[(?:0|1|32|34|1;31|1;33)m|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)


def shown(text: str) -> str:
    """Return the text without commands to a terminal and without private values."""
    return _COMMAND.sub(_escaped, hidden(text))


def _escaped(found: re.Match[str]) -> str:
    text = found.group()
    # The form of JSON, so that output which is JSON stays it.
    return text if len(text) > 1 else f"\\u{ord(text):04x}"


class _Shown(io.TextIOWrapper):
    """A stream of text that people see."""

    def write(self, text: str, /) -> int:
        super().write(shown(text))
        return len(text)

    def write_over(self, text: str) -> None:
        """Go back to the start of the line, and write `text` there."""
        super().write(f"\r{shown(text)}")
        self.flush()


# Longer than any line of progress.
_BLANKS = " " * 40


def write_over(text: str) -> None:
    """Write `text` over the current line of standard error, if that is a terminal.

    An empty text clears the line.
    """
    stream = sys.stderr
    if isinstance(stream, _Shown) and stream.isatty():
        stream.write_over(text or _BLANKS)
        if not text:
            stream.write_over("")


_output: list[_Forgiving] = []
# The streams that were there first: their files must not be closed with them.
_kept: list[object] = []


def open_output() -> None:
    """Make standard output one that is always there and takes every sign."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    buffer = getattr(sys.stdout, "buffer", None)
    # Unbuffered, the stream has no buffer in front of the file.
    raw = getattr(buffer, "raw", buffer)
    if isinstance(sys.stdout, io.TextIOWrapper) and isinstance(raw, io.RawIOBase):
        forgiving = _Forgiving(raw)
        _output.append(forgiving)
        _kept.append(sys.stdout)
        sys.stdout = _Shown(
            io.BufferedWriter(forgiving),
            encoding=sys.stdout.encoding,
            errors="replace",
            line_buffering=sys.stdout.line_buffering,
            write_through=sys.stdout.write_through,
        )
    _show_errors()


def _show_errors() -> None:
    stream = sys.stderr
    if isinstance(stream, io.TextIOWrapper) and not isinstance(stream, _Shown):
        _kept.append(stream)
        sys.stderr = _Shown(
            stream.buffer, encoding=stream.encoding, errors="replace", line_buffering=True
        )


def tell_lost_output() -> None:
    """Say on standard error that what was to be printed is lost, if it is."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    for forgiving in _output:
        if forgiving.lost is not None:
            with suppress(OSError):
                why = forgiving.lost.strerror
                sys.stderr.write(f"cij: the output could not be written: {why}\n")


def _open_what_is_closed() -> None:
    # Python has no stream for a closed descriptor; the next file that is opened would take its number,
    # and what others print there would go into that file.
    for number, name in enumerate(_STREAMS):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
            raw = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
            stream = io.BufferedReader(raw) if number == 0 else io.BufferedWriter(raw)
            setattr(sys, name, io.TextIOWrapper(stream, encoding="utf-8"))
