"""From a written duration to a typed one."""

from typing import cast

from cij.compiler import expression as ex
from cij.grammar import syntax


def period(node: syntax.Duration) -> ex.Period:
    """Return the typed form of a written duration."""
    (count, unit), *more = node.lengths
    rest = [ex.Remainder(count=n, unit=cast(ex.Unit, smaller)) for n, smaller in more]
    return ex.Period(count=count, unit=cast(ex.Unit, unit), rest=rest[0] if rest else None)
