"""`cij doctor`: what of this machine, these settings and these sources would keep cij from working."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from cij.app import doctor
from cij.app.doctor import Finding
from cij.cli.exits import Exit
from cij.cli.render.colour import painter
from cij.runtime.errors import WorldError

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
    findings = list(_findings(path))
    click.echo(_json(findings) if as_json else _table(findings))
    if any(finding.status == "fail" for finding in findings):
        raise click.exceptions.Exit(Exit.CONFIG)


def _findings(path: Path) -> Iterator[Finding]:
    for check in doctor.MACHINE:
        yield from _guarded(check.__name__, check())
    try:
        root, settings = doctor.open_settings(path)
    except WorldError as error:
        yield Finding("fail", "cij.toml", str(error))
        return
    yield Finding("ok", "cij.toml", f"{settings.project.name}, {settings.project.timezone}")
    for project_check in doctor.PROJECT:
        yield from _guarded(project_check.__name__, project_check(root, settings))


def _guarded(name: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """One check that fails in a way of its own must not hide the findings of the others."""
    try:
        yield from findings
    except (WorldError, OSError, ImportError) as error:
        yield Finding("fail", name.strip("_"), str(error))


def _table(findings: list[Finding]) -> str:
    paint = painter(sys.stdout)
    width = max(len(finding.what) for finding in findings)
    indent = "\n" + " " * (width + 8)
    rows = (
        f"{paint(_STYLES[f.status], f.status.ljust(4))}  {f.what.ljust(width)}  "
        + f.detail.replace("\n", indent)
        for f in findings
    )
    return "\n".join(rows)


def _json(findings: list[Finding]) -> str:
    rows = [finding._asdict() for finding in findings]
    is_well = not any(finding.status == "fail" for finding in findings)
    return json.dumps({"version": 1, "is_well": is_well, "findings": rows}, indent=2)
