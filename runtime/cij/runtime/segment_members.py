"""The members of segments now: how many, who, with which fields, and how segments overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.compiler.program import Program, Segment
from cij.compiler.sql import members as queries
from cij.compiler.sql.plan.segments import segment_size
from cij.compiler.sql.unify import COUNT
from cij.runtime.engine import Engine
from cij.runtime.engine.duckdb.table_file import Format, write_table
from cij.runtime.moments import fill_moments


@dataclass(frozen=True, slots=True)
class Overlap:
    """`shared[a][b]` counts customers in both segments; `shared[a][a]` is the size of one."""

    names: tuple[str, ...]
    customers: int
    shared: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Members:
    """An open store, its program, and the instant for which memberships are asked."""

    engine: Engine
    program: Program
    now: datetime

    def __post_init__(self) -> None:
        fill_moments(self.engine, self.now)

    def customers(self) -> int:
        """Return how many customers there are."""
        return int(self.engine.rows(COUNT)[0][0])

    def size(self, segment: Segment) -> int:
        """Return how many customers are in a segment."""
        return int(self._rows(segment_size(segment, self.program))[0][0])

    def rows(self, segment: Segment, names: Sequence[str], limit: int) -> list[tuple[Any, ...]]:
        """Return (id, values of `names`) of the first members by id."""
        statement = queries.members_with(segment, names, self.program)
        return self._rows(statement)[:limit]

    def write(self, segment: Segment, names: Sequence[str], path: Path, format: Format) -> int:
        """Write all members with fields to a file; return how many. Raises ConfigError."""
        statement = queries.members_with(segment, names, self.program)
        stream = self.engine.stream(statement, {"now": self.now})
        return write_table(stream, ["id", *names], path, format)

    def overlap(self, segments: Sequence[Segment]) -> Overlap:
        """Return how many customers are in both of each two segments."""
        customers, *counts = self._rows(queries.overlap(segments, self.program))[0]
        width = len(segments)
        shared = tuple(tuple(counts[i * width :][:width]) for i in range(width))
        return Overlap(tuple(s.name for s in segments), customers, shared)

    def _rows(self, statement: Any) -> list[tuple[Any, ...]]:
        return self.engine.rows(statement, {"now": self.now})
