"""`cij store`: the store of a project as a whole."""

import json
import time
from typing import TYPE_CHECKING, Any

import click

from cij.cli.order_options import project_option
from cij.cli.output import write_over

if TYPE_CHECKING:
    from pathlib import Path

    from cij.app.store_copy import StoreCopy

_SHOWN_AFTER_S = 1.0


@click.group(
    epilog="""\b
Examples:
  cij store copy duckdb postgresql
  cij store copy --help"""
)
def command() -> None:
    """Move a project between stores.

    A store is one file, or a schema of a PostgreSQL database: see docs/postgresql.md.
    """


@command.command(
    epilog="""\b
Examples:
  cij store copy duckdb postgresql       # from the file to the server
  cij store copy postgresql duckdb       # and back
  cij store copy prod prod_server --json # between two environments"""
)
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@project_option
@click.option("--json", "as_json", is_flag=True, help="Print each table with rows and digest.")
def copy(source: str, target: str, path: "Path", as_json: bool) -> None:
    """Copy the store FROM into the empty store TO, with everybody where they are.

    FROM and TO are environments of cij.toml, or `duckdb` for the state file of this environment and
    `postgresql` for its store on the server. Stop `cij run` first: a store that is in use is refused. FROM is
    only read. The copy is compared with it table by table. If anything fails, nothing of the copy stays.
    """
    from cij.app.store_copy import copy_store

    progress = _Progress()
    try:
        made = copy_store(path, source, target, progress)
    finally:
        progress.end()
    click.echo(json.dumps(_plain(made), indent=2, ensure_ascii=False) if as_json else _text(made))


class _Progress:
    """Shows the table that is being copied, once a copy takes long enough to be noticed."""

    def __init__(self) -> None:
        self._start, self._is_shown = time.monotonic(), False

    def __call__(self, table: str, number: int, count: int) -> None:
        if time.monotonic() - self._start >= _SHOWN_AFTER_S:
            self._is_shown = True
            write_over(f"table {number} of {count}")

    def end(self) -> None:
        if self._is_shown:
            write_over("")


def _text(made: "StoreCopy") -> str:
    return (
        f"copied {len(made.tables)} tables with {made.rows:,} rows from {made.source} to {made.target}; the "
        "counts and digests of all tables are equal\n"
        f"The next `cij run` has to use {made.target}. Start none from {made.source} any more: it does not "
        "know what is sent from now on."
    )


def _plain(made: "StoreCopy") -> dict[str, Any]:
    tables = [{"table": t.name, "rows": t.rows, "digest": t.digest} for t in made.tables]
    ends = {"from": str(made.source), "to": str(made.target)}
    return {"version": 1, **ends, "rows": made.rows, "tables": tables}
