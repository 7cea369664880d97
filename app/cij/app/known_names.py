"""Checks of names that a caller gives."""

from collections.abc import Sequence

from cij.app.request_error import RequestError
from cij.compiler.naming import did_you_mean


def require_journey(name: str, known: Sequence[str], where: str = "") -> None:
    """Raise RequestError with the nearest name, unless `known` has the journey."""
    if name not in known:
        hint = did_you_mean(name, known)
        text = f"there is no journey `{name}`{where}"
        raise RequestError(f"{text}; {hint}" if hint else text)
