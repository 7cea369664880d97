"""Values that settings take from the environment: they are used, and never shown.

A pull request could otherwise print any variable of the machine that checks it.
"""

# Shorter ones occur in ordinary words; where they are a fault themselves, the fault names the variable.
_HIDDEN_MIN = 8

_known: dict[str, str] = {}


def note(name: str, value: str) -> str:
    """Remember that a setting uses the variable `name`; return its value."""
    if value:
        _known[value] = f"env:{name}"
    return value


def hidden(text: str, *, least: int = _HIDDEN_MIN) -> str:
    """Return `text` with the names of variables in the place of values with `least` signs or more."""
    if not _known:
        return text
    # A value may be a part of another one.
    for value in sorted(_known, key=len, reverse=True):
        if len(value) >= least and value in text:
            text = text.replace(value, _known[value])
    return text
