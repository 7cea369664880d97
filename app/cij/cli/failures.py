"""The outermost handler: it turns each failure of a command into an exit code and a sentence."""

import os
import platform
import re
import shlex
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress

import click

from cij.cli.exits import Exit

_REPORTS_MAX = 20
_REPORT_CHARS_MAX = 100_000


class ClosedPipe(Exception):
    """The reader of the output has closed the pipe."""


def run(command: click.Command, arguments: list[str]) -> int:
    """Run `command` and return the exit code.

    No exception except `SystemExit` leaves this function.
    """
    arguments = [_as_text(argument) for argument in arguments]
    try:
        result = command.main(arguments, prog_name="cij", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("cij: interrupted")
        return Exit.INTERRUPTED
    except ClosedPipe:
        _drop_output()
        return Exit.PIPE
    except Exception as error:  # noqa: BLE001 - the outermost handler: nothing may get past it
        if isinstance(error.__cause__, KeyboardInterrupt):
            # The driver of the engine reports Ctrl-C in this way.
            _say("cij: interrupted")
            return Exit.INTERRUPTED
        return _world_failure(error) or _file_failure(error) or _bug(error, arguments)
    return result if isinstance(result, int) else Exit.OK


def _as_text(argument: str) -> str:
    """Return an argument as text: a shell may hand over bytes that are none.

    The name of a file may consist of such bytes, so one that is there stays as it is.
    """
    if argument.isascii():
        return argument
    whole = argument.encode("utf-8", "replace").decode()
    return argument if whole == argument or os.path.exists(argument) else whole


def passing_closed_pipe(invoke: Callable[[], object]) -> object:
    """Call `invoke` and flush the output.

    A closed pipe is caught here, because click would turn it into exit code 1.
    Raises: ClosedPipe.
    """
    try:
        result = invoke()
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise ClosedPipe from error
    return result


def _world_failure(error: Exception) -> Exit | None:
    """Print a failure of the world and return its code; None for other errors."""
    from cij.runtime.errors import WorldError

    if not isinstance(error, WorldError):
        return None
    _say(_diagnostics(error) or f"cij: error: {error}")
    return Exit[error.exit_name]


def _diagnostics(error: Exception) -> str | None:
    """Return the errors of the journeys with their source lines; None where `error` has none."""
    from cij.app.request_error import InvalidProject

    if not isinstance(error, InvalidProject):
        return None
    from cij.cli.render import render
    from cij.cli.render.colour import painter

    return render(error.diagnostics, error.texts, "text", painter(sys.stderr))


def _file_failure(error: Exception) -> Exit | None:
    """Print what the system does not allow and return the code; None for other errors.

    Most such errors are about a file. They are no bugs of cij.
    """
    if not isinstance(error, OSError):
        return None
    what = f"cannot use {error.filename}" if error.filename is not None else "the system refused"
    _say(f"cij: error: {what}: {error.strerror or _first_line(error)}")
    return Exit.CONFIG


def _bug(error: Exception, arguments: list[str]) -> Exit:
    trace = "".join(traceback.format_exception(error))
    report = f"{_environment(arguments)}\n\n{trace}"
    _say(f"cij: this is a bug in cij, not in your journeys: {_first_line(error)}")
    if os.environ.get("CIJ_DEBUG"):
        _say(report)
    else:
        _say(f"The report is in {_written(report)}; please send it with what you were doing.")
        _say("CIJ_DEBUG=1 prints it instead.")
    return Exit.BUG


def _environment(arguments: list[str]) -> str:
    from cij.app.version import own_version

    return (
        f"cij {own_version()}, Python {platform.python_version()} on {platform.platform()}\n"
        f"command: {shlex.join(['cij', *arguments])}"
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _written(report: str) -> str:
    handle, path = tempfile.mkstemp(prefix="cij-bug-", suffix=".txt", text=True)
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
        file.write(_shortened(report) + "\n")
    _delete_older(os.path.dirname(path))
    return path


def _shortened(report: str) -> str:
    """Return the beginning and the end of a report that is too long: they say what was done and what failed."""
    if len(report) <= _REPORT_CHARS_MAX:
        return report
    half = _REPORT_CHARS_MAX // 2
    return f"{report[:half]}\n…\n{report[-half:]}"


def _delete_older(folder: str) -> None:
    """Keep the newest reports: a run that fails again and again writes one each time."""
    with suppress(OSError):
        found = [e for e in os.scandir(folder) if re.fullmatch(r"cij-bug-\w+\.txt", e.name)]
        found.sort(key=lambda entry: entry.stat(follow_symlinks=False).st_mtime, reverse=True)
        for entry in found[_REPORTS_MAX:]:
            # Those of other users stay.
            with suppress(OSError):
                os.unlink(entry.path)


def say_waiting(text: str) -> None:
    """Print why a command waits, such as for a store that another program has open."""
    _say(text)


def _say(text: str) -> None:
    # Standard error may be closed too, and there is nowhere else to report that.
    with suppress(OSError):
        click.echo(text, err=True)


def _drop_output() -> None:
    # The interpreter flushes stdout again at exit, which would print an error about the pipe.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
