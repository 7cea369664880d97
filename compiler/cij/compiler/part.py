"""What every part of a program is, and where it is written."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Anything in a program."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Place(Part):
    """Where it is written: for messages and explanations, not part of any hash."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
