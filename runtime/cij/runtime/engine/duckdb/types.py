"""How DuckDB names the types of columns, where it does not name them as statements do."""

# What `information_schema` says -> what statements are written in (`cij.compiler.sql.columns`).
_NAMES = {
    "DECIMAL(18,4)": "DECIMAL(18, 4)",
    "DECIMAL(18,6)": "DECIMAL(18, 6)",
    "DECIMAL(38,10)": "DECIMAL(38, 10)",
}


def written(name: str) -> str:
    """Return the name of a type as statements have it."""
    return _NAMES.get(name, name)
