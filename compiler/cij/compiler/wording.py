"""Names and numbers as parts of sentences."""

from collections.abc import Iterable, Sequence


def listed(names: Iterable[str], *, limit: int = 6) -> str:
    """Return `a`, `b` and `c`; of a long list the first and how many more."""
    found = [f"`{name}`" for name in names]
    if len(found) > limit:
        found = [*found[:limit], f"{len(found) - limit} more"]
    return joined(found)


def joined(parts: Sequence[str], word: str = "and") -> str:
    """Return `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def plural(count: int, noun: str, many: str | None = None) -> str:
    """Return `1 message`, `2 messages`."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"
