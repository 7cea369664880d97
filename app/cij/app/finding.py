"""A line of the report of `cij doctor`."""

from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """What a check found about one thing."""

    status: Literal["ok", "warn", "fail"]
    what: str
    detail: str
