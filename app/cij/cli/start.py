"""The first moment of `cij`: Ctrl-C counts also while the rest is still being loaded."""

import sys
from typing import NoReturn

# As `exits.INTERRUPTED`, which would have to be loaded.
_INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    try:
        from cij.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("cij: interrupted\n")
        sys.exit(_INTERRUPTED)
