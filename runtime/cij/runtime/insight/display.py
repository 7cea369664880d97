"""Values of the store as text for people."""

from datetime import datetime
from decimal import Decimal

from cij.compiler.types import Type, list_items
from cij.runtime import zones


def local(at: datetime, zone: str) -> str:
    """Return an instant as local time, with seconds only where they are not zero."""
    found = zones.to_local(at, zone)
    return found.strftime("%Y-%m-%d %H:%M:%S" if found.second else "%Y-%m-%d %H:%M")


def shown(value: object, type: Type, zone: str) -> str:
    """Return a value as text in the form of the language. A missing value is `unknown` (S1)."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return local(value, zone)
    if isinstance(value, Decimal):
        return _number(value) + (f" {type.currency}" if type.currency else "")
    if type.kind == "list":
        return "[" + ", ".join(f'"{item}"' for item in list_items(str(value))) + "]"
    if type.kind in ("text", "entity"):
        return f'"{value}"'
    return str(value)


def written(value: str | None, type: Type, zone: str) -> str:
    """Return a value that a journey wrote, which the store keeps as text: an instant as local time."""
    if value is None:
        return "nothing"
    return local(datetime.fromisoformat(value), zone) if type.kind == "datetime" else value


def _number(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
