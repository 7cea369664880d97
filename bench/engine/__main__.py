"""`python -m bench.engine [steps|idle|intake|journeys|peers|strategies] [NUMBER]`: see README.md of `bench`."""

import sys
from collections.abc import Callable

from bench.engine import idle, intake, journeys, peers, steps, strategies

_COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "steps": steps.main,
    "idle": idle.main,
    "intake": intake.main,
    "journeys": journeys.main,
    "peers": peers.main,
    "strategies": strategies.main,
}


def main(arguments: list[str]) -> None:
    """Run one of the measurements; `steps` unless one is named."""
    name = arguments[0] if arguments else "steps"
    if name in _COMMANDS:
        _COMMANDS[name](arguments[1:])
    else:
        steps.main(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
