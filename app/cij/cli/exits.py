"""The exit codes of `cij`. `docs/exit-codes.md` explains them for authors of scripts."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes. A command ends early with `raise click.exceptions.Exit(Exit.ERRORS)`."""

    OK = 0
    ERRORS = 1  # the journeys have errors, a test failed, or --check found differences
    USAGE = 2  # the command line is wrong; click's own code
    CONFIG = 3  # cij.toml is missing or wrong, or an environment variable is not set
    DATA = 4  # a source cannot be read, or has more bad rows than it tolerates
    STORE = 5  # the state file is locked or damaged
    DELIVERY = 6  # some messages could not be delivered
    ASIDE = 7  # all was done, but something was put aside
    BUG = 70  # a bug in cij; EX_SOFTWARE of sysexits.h
    INTERRUPTED = 130  # Ctrl-C; 128 + SIGINT
    PIPE = 141  # the reader of the output has closed the pipe; 128 + SIGPIPE
