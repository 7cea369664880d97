"""The names of the time zones, the same on every machine: those of the package `tzdata`.

A name of the machine's own, such as `localtime`, means another zone elsewhere and is none.
"""

from functools import cache
from importlib import resources
from zoneinfo import available_timezones


@cache
def zone_names() -> frozenset[str]:
    """Return all names. Reading the list of the package is faster than looking for the files."""
    try:
        return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())
    except (ModuleNotFoundError, OSError):
        return frozenset(available_timezones())
