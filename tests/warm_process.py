"""A Python process that has imported what it needs, and takes orders by lines: see those that are one."""

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.example import environment


class WarmProcess:
    """`module` is what runs there, with the flags of Python. It ends with the `with` block."""

    def __init__(self, *module: str, stderr: IO[bytes] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            bufsize=1,
            cwd=Path(__file__).parents[1],
            env=environment(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
