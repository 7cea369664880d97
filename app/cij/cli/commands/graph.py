"""`cij graph`: draws journeys for reviews, wikis and slides."""

import re
from collections.abc import Sequence
from pathlib import Path

import click

from cij.app.journey_graphs import RENDERERS, compared_graphs, journey_graphs
from cij.cli.arguments import path_and_name
from cij.compiler.graph import Graph
from cij.runtime.errors import ConfigError


@click.command(
    epilog="""\b
Examples:
  cij graph                                   # all journeys, as Markdown with Mermaid
  cij graph welcome                           # one journey, as Mermaid
  cij graph --diff main                       # what has changed since main
  cij graph -o docs/journeys.md               # a page that GitHub draws
  cij graph --format svg -o pictures          # pictures/welcome.svg and so on
  cij graph welcome --format svg -o welcome.svg
  cij graph --format dot | dot -Tpdf -o journeys.pdf"""
)
@click.argument("words", nargs=-1, metavar="[PATH] [JOURNEY]")
@click.option("--journey", "name", metavar="NAME", help="As JOURNEY: draw this journey only.")
@click.option(
    "--diff",
    "base",
    metavar="BASE",
    help="Mark what is added, removed and changed since BASE, a revision of git or a folder.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(RENDERERS)),
    default="mermaid",
    show_default=True,
    help="What to write.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to this file; for several journeys as SVG, into this folder.",
)
def command(
    words: tuple[str, ...],
    name: str | None,
    base: str | None,
    format_name: str,
    output: Path | None,
) -> None:
    """Draw the journeys of the project at PATH, or one of them.

    With --diff only those that differ from BASE are drawn. `cij diff BASE` says what the changes mean.
    """
    path, journey = path_and_name(words)
    name = name or journey
    graphs = journey_graphs(path, name) if base is None else compared_graphs(path, base, name)
    if not graphs and base is not None:
        click.echo(f"No journey differs from {base}.", err=True)
    elif not graphs:
        click.echo("The project has no journey to draw.", err=True)
    elif format_name == "svg" and (name is None and (len(graphs) > 1 or _is_folder(output))):
        _write_pictures(graphs, output)
    else:
        _put(_document(graphs, format_name, output), output)


def _document(graphs: Sequence[Graph], format_name: str, output: Path | None) -> str:
    texts = [RENDERERS[format_name](graph) for graph in graphs]
    is_page = output is not None and output.suffix == ".md"
    if format_name == "mermaid" and (len(graphs) > 1 or is_page):
        return "\n".join(_section(g, text) for g, text in zip(graphs, texts, strict=True))
    return "".join(texts)


def _section(graph: Graph, text: str) -> str:
    return f"## {_markdown(graph.name)}\n\n```mermaid\n{text}```\n"


def _markdown(name: str) -> str:
    return re.sub(r"([\\`*{}\[\]<>#|~!&]|\b_|_\b)", r"\\\1", name)


# --- files ------------------------------------------------------------------------------------


def _is_folder(output: Path | None) -> bool:
    return output is not None and (output.is_dir() or not output.suffix)


def _write_pictures(graphs: Sequence[Graph], folder: Path | None) -> None:
    if folder is None:
        message = f"{len(graphs)} pictures need a folder: add `-o DIR`, or `--journey NAME`"
        raise click.UsageError(message)
    stems: set[str] = set()
    for graph in graphs:
        _put(RENDERERS["svg"](graph), folder / f"{_stem(graph.name, stems)}.svg")


def _stem(name: str, taken: set[str]) -> str:
    """Return a file name for a journey that is valid on all systems and that no other journey has.

    Names are compared without case, because some file systems do not distinguish it.
    """
    base = stem = re.sub(r"[^\w-]+", "_", name).strip("_") or "journey"
    number = 1
    while stem.casefold() in taken:
        number += 1
        stem = f"{base}_{number}"
    taken.add(stem.casefold())
    return stem


def _put(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(f"cannot write {output}: {error.strerror}") from error
    click.echo(f"Wrote {output}", err=True)
