"""The names of time zones: those of the package `tzdata`, so that they are the same on every
machine.

A name such as `localtime` is a different zone on each machine, so it is not accepted.
"""

from functools import cache
from importlib import resources
from zoneinfo import available_timezones


@cache
def zone_names() -> frozenset[str]:
    """Return all names.

    The list of the package is read, because searching for the files is slower.
    """
    try:
        return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())
    except (ModuleNotFoundError, OSError):
        return frozenset(available_timezones())
