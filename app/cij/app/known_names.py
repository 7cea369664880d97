"""Checks of names that a caller gives."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from cij.app.request_error import RequestError
from cij.compiler.naming import did_you_mean

Part = TypeVar("Part")

LAST_RUN = " in the program of the last run"


def require_journey(name: str, known: Sequence[str], where: str = "") -> None:
    """Raise RequestError with the nearest name, unless `known` has the journey."""
    require_known("journey", name, dict.fromkeys(known), where)


def require_known(kind: str, name: str, known: Mapping[str, Part], where: str = "") -> Part:
    """Return the part with a name. Raises RequestError with the nearest name where there is none."""
    if name not in known:
        hint = did_you_mean(name, list(known))
        text = f"there is no {kind} `{name}`{where}"
        raise RequestError(f"{text}; {hint}" if hint else text)
    return known[name]
