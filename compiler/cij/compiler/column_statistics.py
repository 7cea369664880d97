"""What was seen in the rows of the sources: what catalog.lock.json holds."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """One column: its type as it is written, and what its rows hold.

    `unknown_share` is the share of the rows without a value, None where nobody has looked. `values`
    are all values of a small enum, in order. A personal column has no `low`, `high` and `values`.
    """

    type: str
    unknown_share: float | None = None
    low: str | None = None
    high: str | None = None
    values: tuple[str, ...] = ()
    is_personal: bool = False


# By source and column, as catalog.lock.json has it.
Catalog = Mapping[str, Mapping[str, ColumnStatistics]]
