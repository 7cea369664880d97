"""`cij plan`: what the files would change in an environment, for how many people (S21)."""

import sys
from pathlib import Path

import click

from cij.app.environment_plan import environment_plan
from cij.app.open_environment import open_word
from cij.app.plan_file import save_plan
from cij.app.plan_report import PlanReport
from cij.cli.activity_table import clear_progress, progress
from cij.cli.arguments import PERCENT
from cij.cli.exits import Exit
from cij.cli.failures import say_waiting
from cij.cli.render.colour import painter
from cij.cli.render.plan_markdown import render_plan_markdown
from cij.cli.render.plan_text import render_plan_text
from cij.runtime.state_folder import environment


@click.command(
    epilog="""\b
Examples:
  cij plan                              # what the next run would change
  cij plan prod                         # what the files would change in [env.prod]
  cij plan prod -o plan.json            # and save it for `cij apply plan.json`
  cij plan prod --examples 5            # with ids of customers who enter and leave
  cij plan prod --rollout 10% -o plan.json   # new steps for 10% of those who enter
  cij plan prod --format markdown       # for a comment on a pull request
  cij plan examples/loyalty --json"""
)
@click.argument("word", metavar="[ENV | PATH]", required=False)
@click.option(
    "--project",
    "path",
    default=".",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="A folder or file of the project; default: the current folder.",
)
@click.option(
    "--days",
    default=7,
    type=click.IntRange(0, 366),
    show_default=True,
    help="How many days to simulate for the forecast of messages; 0 leaves it out.",
)
@click.option(
    "--examples",
    default=0,
    type=click.IntRange(0, 1000),
    metavar="N",
    help="Show the ids of up to N customers who enter and leave each segment.",
)
@click.option(
    "--rollout",
    "share",
    type=PERCENT,
    metavar="PERCENT",
    help="Only this share of those who enter get the new steps. The same people stay in when it grows; "
    "100% ends the rollout.",
)
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
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Save the plan, for `cij apply FILE`.",
)
def command(
    word: str | None,
    path: Path,
    days: int,
    examples: int,
    share: int | None,
    format_name: str,
    output: Path | None,
) -> None:
    """Preview what the files would change in ENV, an environment of cij.toml, or in the next run.

    Says who would enter and leave the changed segments, where customers inside a changed journey
    continue, how many messages the next days would bring before and after, which journeys compete, and
    what each change means. Reads the sources, and changes nothing. Fails (exit code 5) if somebody waits
    at a step that the new version does not have, or would get the same message again.
    """
    name, where = open_word(word, path)
    with environment(name):
        report = environment_plan(
            where, say_waiting, days=days, examples=examples, share=share, progress=progress
        )
        clear_progress()
    if output is not None:
        save_plan(report, output)
    click.echo(_rendered(report, format_name, output), nl=False)
    if report.is_refused:
        raise click.exceptions.Exit(Exit.STORE)


def _rendered(report: PlanReport, format_name: str, output: Path | None) -> str:
    saved = str(output) if output is not None else None
    if format_name == "json":
        return report.model_dump_json(indent=2, by_alias=True) + "\n"
    if format_name == "markdown":
        return render_plan_markdown(report, saved=saved)
    return render_plan_text(report, painter(sys.stdout), saved=saved)
