"""`cij lineage`: from the source column to the sentence in the mail, in both directions."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from cij.app.name_lineage import name_lineage
from cij.cli.arguments import path_and_name
from cij.cli.render.colour import Paint, painter
from cij.cli.render.width import shown

if TYPE_CHECKING:
    from cij.compiler.review.lineage_report import NameLineage, Relative


@click.command(
    epilog="""\b
Examples:
  cij lineage points               # a field: its columns, and every mail that prints it
  cij lineage orders.total         # a column of a source, or a field of an event
  cij lineage "segment loyal"      # where a field and a segment have one name
  cij lineage examples/loyalty points --json"""
)
@click.argument("words", metavar="[PATH] NAME", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print the lineage as JSON.")
def command(words: tuple[str, ...], as_json: bool) -> None:
    """Show what NAME is made of, and what is made of it.

    NAME is a source, a column, a field, an event, a measure, a segment, a message, a topic, an action, a
    journey or a step. Parts have a dot: `orders.total`, `welcome.week`.
    """
    path, name = path_and_name(words)
    if name is None:
        raise click.UsageError("name something, such as a field of the customer")
    report = name_lineage(path, name)
    if as_json:
        click.echo(report.model_dump_json(indent=2))
        return
    paint = painter(sys.stdout)
    click.echo("\n\n".join("\n".join(_lines(each, paint)) for each in report.names))


def _lines(found: "NameLineage", paint: Paint) -> Iterator[str]:
    place = f"  {found.place.file}:{found.place.line}" if found.place is not None else ""
    yield (
        paint("bold", f"{found.kind} {found.name}") + _detail(found.detail) + paint("gutter", place)
    )
    yield from _section("is made of", found, found.made_of)
    yield from _section("leads to", found, found.leads_to)
    if not found.made_of and not found.leads_to:
        yield "  nothing else in the project is made of it or makes it"


def _section(title: str, found: "NameLineage", relatives: Sequence["Relative"]) -> Iterator[str]:
    if relatives:
        yield f"  {title}"
        by_via: dict[str, list[Relative]] = {}
        for each in relatives:
            # A name that is reached in several ways stands below the nearest one.
            by_via.setdefault(each.via[0], []).append(each)
        yield from _tree(f"{found.kind} {found.name}", by_via, 2)


def _tree(name: str, by_via: "dict[str, list[Relative]]", depth: int) -> Iterator[str]:
    for each in by_via.get(name, ()):
        indent = "  " * depth
        yield f"{indent}{each.kind} {each.name}{_detail(each.detail)}"
        for text in each.texts:
            yield f'{indent}    {text.locale} {text.part}: "{shown(text.text)[0]}"'
        yield from _tree(f"{each.kind} {each.name}", by_via, depth + 1)


def _detail(detail: str) -> str:
    return f": {detail}" if detail else ""
