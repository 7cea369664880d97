"""Standard output, whatever it is: closed, full, or in another encoding than UTF-8.

The work of a command is done by the time it speaks of it, so what cannot be printed changes no exit code.
"""

import io
import os
import sys
from contextlib import suppress

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


_output: list[_Forgiving] = []
# What the streams of before stand on must not be closed with them.
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
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(forgiving),
            encoding=sys.stdout.encoding,
            errors="replace",
            line_buffering=sys.stdout.line_buffering,
            write_through=sys.stdout.write_through,
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
