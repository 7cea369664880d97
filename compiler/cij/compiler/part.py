"""What every part of a program is, and where it is written."""

from cij.compiler.node import Node


class Part(Node):
    """Anything in a program."""


class Place(Part):
    """Where it is written: for messages and explanations, not part of any hash."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
