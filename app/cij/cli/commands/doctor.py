"""`cij doctor`: problems of the machine, the settings and the sources that would stop cij."""

import json
import sys
from pathlib import Path

import click

from cij.app.doctor import findings
from cij.app.finding import Finding
from cij.cli.exits import Exit
from cij.cli.render.colour import painter

_STYLES = {"ok": "good", "warn": "warning", "fail": "error"}


@click.command(
    epilog="""\b
Examples:
  cij doctor
  cij doctor examples/loyalty --json"""
)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(path: Path, as_json: bool) -> None:
    """Check the machine, cij.toml and the sources of the project at PATH."""
    found = list(findings(path))
    click.echo(_json(found) if as_json else _table(found))
    if any(finding.status == "fail" for finding in found):
        raise click.exceptions.Exit(Exit.CONFIG)


def _table(found: list[Finding]) -> str:
    paint = painter(sys.stdout)
    width = max(len(finding.what) for finding in found)
    indent = "\n" + " " * (width + 8)
    rows = (
        f"{paint(_STYLES[f.status], f.status.ljust(4))}  {f.what.ljust(width)}  "
        + f.detail.replace("\n", indent)
        for f in found
    )
    return "\n".join(rows)


def _json(found: list[Finding]) -> str:
    rows = [finding._asdict() for finding in found]
    is_well = not any(finding.status == "fail" for finding in found)
    return json.dumps({"version": 1, "is_well": is_well, "findings": rows}, indent=2)
