"""`cij new`: a small project that works at once."""

import shlex
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from cij.runtime.zone_names import zone_names

# What the template's files say in place of the project's own name and zone.
_NAME, _ZONE = "PROJECT_NAME", "PROJECT_ZONE"
# A file whose name starts with a dot would act on this repository, or be left out of the wheel.
_DOT = "dot_"


@click.command(
    epilog="""\b
Examples:
  cij new my-journeys
  cij new my-journeys --timezone Europe/Madrid"""
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--timezone",
    default="UTC",
    show_default=True,
    metavar="ZONE",
    help="IANA time zone of customers whose own is unknown.",
)
def command(folder: Path, timezone: str) -> None:
    """Make a small working project in DIR, which must be new or empty."""
    _refuse(folder, timezone)
    name = folder.resolve().name
    for file, text in _files(resources.files("cij.app") / "template", ""):
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_filled(text, name, timezone), encoding="utf-8", newline="\n")
    _say_what_next(folder)


def _refuse(folder: Path, timezone: str) -> None:
    if timezone not in zone_names():
        raise click.BadParameter(f"`{timezone}` is not an IANA time zone", param_hint="--timezone")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise click.BadParameter(f"{folder} exists and is not empty", param_hint="DIR")


def _files(folder: Traversable, path: str) -> list[tuple[str, str]]:
    """Return (path in the new project, text) of all files of the template."""
    found: list[tuple[str, str]] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name = entry.name
        here = path + (f".{name.removeprefix(_DOT)}" if name.startswith(_DOT) else name)
        if entry.is_dir():
            found += _files(entry, here + "/")
        else:
            found.append((here, entry.read_text(encoding="utf-8")))
    return found


def _filled(text: str, name: str, timezone: str) -> str:
    # A folder may be called anything; inside a TOML text only these two need an escape.
    safe = name.replace("\\", "\\\\").replace('"', '\\"')
    return text.replace(_NAME, safe).replace(_ZONE, timezone)


def _say_what_next(folder: Path) -> None:
    click.echo(f"Made a project in {folder}. Next:\n")
    click.echo(f"  cd {shlex.quote(str(folder))}")
    click.echo("  cij check          # find mistakes")
    click.echo("  cij test           # play the stories in journeys/welcome.journey")
    click.echo("  cij run --once     # write the messages that are due into outbox/")
    click.echo("\nREADME.md there says what each file is for.")
