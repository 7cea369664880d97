"""Places in files."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A range of one file.

    Units: `start` and `end` count code points from 0, half-open; lines and columns count
    code points from 1, and `end_column` is the column after the last character.
    `file` is the path relative to the project folder, with forward slashes.
    """

    file: str
    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int

    def to(self, other: "Span") -> "Span":
        """Return the span from the start of this one to the end of `other`, in the same file."""
        return Span(
            self.file,
            self.start,
            other.end,
            self.line,
            self.column,
            other.end_line,
            other.end_column,
        )

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def file_start(file: str) -> Span:
    """Return the empty span at the first character of `file`, for a diagnostic about the whole
    file."""
    return Span(file, 0, 0, 1, 1, 1, 1)
