"""DuckDB's names for types of columns, where they differ from those in statements."""

# The name in `information_schema` -> the name in statements (`cij.compiler.sql.columns`).
_NAMES = {
    "DECIMAL(18,4)": "DECIMAL(18, 4)",
    "DECIMAL(18,6)": "DECIMAL(18, 6)",
    "DECIMAL(38,10)": "DECIMAL(38, 10)",
}


def written(name: str) -> str:
    """Return the name of a type as statements write it."""
    return _NAMES.get(name, name)
