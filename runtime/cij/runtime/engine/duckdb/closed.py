"""DuckDB without a way out: it installs and loads nothing by itself, and a state reaches no other file."""

import duckdb

# Extensions are Python packages (`extensions`), which are loaded by their path.
CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}


def close_ways_out(connection: duckdb.DuckDBPyConnection) -> None:
    """Let statements reach no other file and no network, for as long as the connection is open.

    A big commit changes the threshold of checkpoints, so this one setting stays open.
    """
    connection.execute("SET allowed_configs = ['checkpoint_threshold']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
