"""Names and types of expressions: syntax in, typed expressions and diagnostics out.

`check` is the one entry. It returns None where it has reported a mistake, and its callers then report
nothing more: one mistake, one diagnostic.
"""

from cij.compiler.typecheck.checker import check, check_condition, check_value
from cij.compiler.typecheck.environment import Awaited, Called, Environment, Sent

__all__ = [
    "Awaited",
    "Called",
    "Environment",
    "Sent",
    "check",
    "check_condition",
    "check_value",
]
