"""What a refresh of the catalog found in the columns of the sources, as catalog.lock.json holds it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """One column: its type as it is written, and what its rows hold.

    `unknown_share` is the share of the rows without a value, None if it was not measured. `values`
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
