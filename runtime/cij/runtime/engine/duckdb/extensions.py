"""Extensions of DuckDB. They are Python packages, so nothing is downloaded at run time."""

import importlib.util
from pathlib import Path

import duckdb

from cij.runtime.errors import StoreError


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension from its package.

    Raises StoreError where it is not installed or does not load.
    """
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        raise StoreError(
            f"the DuckDB extension {name} is not installed; "
            f"run: pip install duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
        )
    folder = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}"
    file = str(folder / f"{name}.duckdb_extension").replace("'", "''")
    try:
        connection.execute(f"LOAD '{file}'")
    except duckdb.Error as error:
        raise StoreError(f"the DuckDB extension {name} does not load: {error}") from error
