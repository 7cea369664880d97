"""`cij diff`: what a change means for customers and messages."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cij.app.comparison import diff
from cij.cli.exits import Exit
from cij.cli.render.colour import painter
from cij.cli.render.review_markdown import render_review_markdown
from cij.cli.render.review_text import render_review_text

if TYPE_CHECKING:
    from cij.compiler.review.review_report import Report


@click.command(
    epilog="""\b
Examples:
  cij diff HEAD                         # what I have changed since the last commit
  cij diff main                         # what my branch would change
  cij diff main...HEAD --format markdown
  cij diff main...HEAD --gate           # fails without the approvals of [review]
  cij diff v1.4 v1.5 --journey welcome
  cij diff ../shop-before ../shop-now   # two folders"""
)
@click.argument("words", metavar="BASE [HEAD]", nargs=-1)
@click.option("--driver", "is_driver", is_flag=True, hidden=True, help="For git; see below.")
@click.option("--journey", metavar="NAME", help="Show only what affects this journey.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="Text, Markdown for a comment on a pull request, or JSON for programs.",
)
@click.option("--json", "format_name", flag_value="json", help="The same as --format json.")
@click.option(
    "--gate",
    "is_gated",
    is_flag=True,
    help="Fail (exit code 1) if an approval is missing that [review] of cij.toml asks for.",
)
@click.option(
    "--project",
    "path",
    default=".",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="A folder or file of the project; default: the current folder.",
)
def command(
    words: tuple[str, ...],
    is_driver: bool,
    journey: str | None,
    format_name: str,
    is_gated: bool,
    path: Path,
) -> None:
    """Show what changes for customers and messages between BASE and HEAD.

    BASE and HEAD are revisions of git, project folders, or two .journey files. Without HEAD the files on
    disk are the newer version. Changes of layout and comments do not count. Needs no data: `cij plan`
    counts the people.

    With `git config diff.journey.command "cij diff --driver"` git shows the same for each file.
    """
    if is_driver:
        return _drive(words)
    if not 1 <= len(words) <= 2:
        raise click.UsageError(
            "name one or two versions: `cij diff BASE [HEAD]`, such as `cij diff HEAD`"
        )
    base, head = words[0], words[1] if len(words) == 2 else None
    if is_gated and journey is not None:
        raise click.UsageError("--gate looks at all changes, so it does not go with --journey")
    report = diff(path, base, head, journey, is_gated=is_gated)
    click.echo(rendered(report, format_name), nl=False)
    if report.missing:
        raise click.exceptions.Exit(Exit.ERRORS)
    return None


def _drive(words: tuple[str, ...]) -> None:
    """Print what a change of one file means, then its text diff. git stops at any other code than 0."""
    from cij.app.git_driver import file_diff

    paint = painter(sys.stdout)
    found = file_diff(words)
    click.echo(paint("bold", f"cij diff {found.path}"))
    if found.report is not None:
        click.echo(render_review_text(found.report, paint, is_one_file=True))
    else:
        click.echo(f"cij cannot say what this change means: {found.why_not}\n")
    for line in found.lines:
        style = _LINES.get(line[:1])
        click.echo(paint(style, line) if style else line)


_LINES = {"+": "good", "-": "error", "@": "gutter"}


def rendered(report: "Report", format_name: str) -> str:
    """Return a comparison in one of the formats."""
    if format_name == "json":
        return report.model_dump_json(indent=2, by_alias=True) + "\n"
    if format_name == "markdown":
        return render_review_markdown(report)
    return render_review_text(report, painter(sys.stdout))
