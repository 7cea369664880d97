"""Exports in the program: what is written, to where, and when."""

from datetime import date, datetime
from typing import Literal

from cij.compiler.base_node import BaseNode, Place
from cij.compiler.head import Schedule

# What a path may have in it.
DATE, INSTANT = "{date}", "{instant}"


class Export(BaseNode):
    """Rows that are written outside: the members of a segment, or a measure in groups.

    With a `segment` alone a row is a customer, with `fields` of theirs, which may be measures. With a
    `measure` a row is a value of the customers' field `by`, and `segment` says which customers count.

    `path` begins at the project folder. A table has a `database` and a name in place of it; `database` is
    `env:NAME`, which is read when the program runs. With `rows` "changes" only rows that differ from the last run
    are written. `when` None is by command only; "calendar" has a schedule.
    """

    name: str
    segment: str | None = None
    fields: tuple[str, ...] = ()
    measure: str | None = None
    by: str | None = None
    kind: str
    path: str = ""
    database: str = ""
    table: str = ""
    rows: Literal["whole", "changes"] = "whole"
    when: Literal["refresh", "calendar"] | None = None
    every: Schedule | None = None
    place: Place

    @property
    def target(self) -> str:
        """Where it writes, in words."""
        return f"table {self.table}" if self.table else self.path

    def path_at(self, day: date, now: datetime) -> str:
        """Return the path of a run. `day` is that of the project's zone; `now` is in UTC."""
        return self.path.replace(DATE, day.isoformat()).replace(INSTANT, f"{now:%Y%m%dT%H%M%SZ}")
