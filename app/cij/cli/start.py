"""The entry point of `cij`. It handles Ctrl-C also while the other modules are loaded."""

import sys
from typing import NoReturn

# The same as `exits.INTERRUPTED`. An import here would be outside of the handler.
_INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    try:
        from cij.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("cij: interrupted\n")
        sys.exit(_INTERRUPTED)
