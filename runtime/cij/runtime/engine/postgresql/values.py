"""Values on their way to PostgreSQL and back, as DuckDB takes and gives them."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

# PostgreSQL has no text with this character. It is shown as one that cannot be read.
_NUL, _UNREADABLE = "\x00", "\ufffd"

# The name in PostgreSQL -> the name in statements (`cij.compiler.sql.columns`).
_TYPES: Mapping[str, str] = {
    "text": "VARCHAR",
    "character varying": "VARCHAR",
    "bigint": "BIGINT",
    "integer": "INTEGER",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp without time zone": "TIMESTAMP",
    "time without time zone": "TIME",
    "double precision": "DOUBLE",
}


def register(connection: "psycopg.Connection[Any]") -> None:
    """Have a session take and give values as statements expect them."""
    from psycopg.types.numeric import Int8Dumper
    from psycopg.types.string import StrDumper

    # A text or a number has one type, so the same statement has the same meaning for all values.
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.adapters.register_dumper(str, StrDumper)
    connection.adapters.register_loader("numeric", _loader())


def _loader() -> Any:
    from decimal import Decimal

    from psycopg.adapt import Buffer, Loader

    class NumericLoader(Loader):
        """A sum of whole numbers is a `numeric` without a point. It is a whole number here."""

        def load(self, data: Buffer) -> int | Decimal:
            text = bytes(data).decode()
            return Decimal(text) if "." in text or not text.lstrip("-").isdigit() else int(text)

    return NumericLoader


def type_name(type: str) -> str:
    """Return the name of a type as statements write it."""
    if type.startswith("numeric("):
        return type.replace("numeric", "DECIMAL").replace(",", ", ")
    return _TYPES.get(type, type.upper())


def bindable(value: object) -> object:
    """Return a value that the driver can bind or copy."""
    if isinstance(value, str):
        return value.replace(_NUL, _UNREADABLE) if _NUL in value else value
    if isinstance(value, (list, dict, tuple)):
        return bindable(json.dumps(value, default=str, ensure_ascii=False))
    return value
