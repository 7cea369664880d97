"""`cij check`: all mistakes of a project, with their fixes."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from cij.app.check_cache import answer, ask
from cij.app.check_report import CheckReport
from cij.app.kept_names import kept_names
from cij.cli.exits import Exit
from cij.cli.render import FORMATS, render
from cij.cli.render.colour import painter
from cij.grammar.diagnostic import Diagnostic

# These formats are whole documents, so no summary for people may be printed beside them.
_DOCUMENTS = ("json", "sarif")


@click.command(
    epilog="""\b
Examples:
  cij check
  cij check examples/loyalty --deny warnings
  cij check --format concise          # file:line:column: CODE message
  cij check --format sarif > cij.sarif
  cij check --bounds                  # the most messages that one customer can get
  cij check --fix                     # apply the fixes that keep the meaning
  cij check --fix --unsafe --diff     # show what all fixes would change"""
)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="What to print.",
)
@click.option("--json", "format_name", flag_value="json", help="Short for --format json.")
@click.option("--deny", type=click.Choice(["warnings"]), help="Let warnings fail the check too.")
@click.option(
    "--bounds",
    "has_bounds",
    is_flag=True,
    help="Also report the most messages that one customer can get in the period of each cap.",
)
@click.option("--fix", "is_fixing", is_flag=True, help="Apply safe fixes, then report the rest.")
@click.option(
    "--unsafe", "is_unsafe", is_flag=True, help="With --fix: also apply fixes that need a review."
)
@click.option("--diff", "is_dry", is_flag=True, help="With --fix: write nothing, print the change.")
def command(
    path: Path,
    format_name: str,
    deny: str | None,
    has_bounds: bool,
    is_fixing: bool,
    is_unsafe: bool,
    is_dry: bool,
) -> None:
    """Report every mistake in the .journey files of the project at PATH.

    A comment `# cij: allow CODE because REASON` above a line allows a warning there.
    """
    if (is_unsafe or is_dry) and not is_fixing:
        raise click.UsageError("--unsafe and --diff need --fix")
    if is_dry:
        return _show_fixes(path, is_unsafe)
    if is_fixing or has_bounds:
        report, text = _compiled(path, format_name, is_fixing, is_unsafe, has_bounds)
    else:
        report = _report(path)
        text = _text(report, format_name)
    for line in kept_names(path, report):
        # Nothing is wrong with the project, so it is no diagnostic.
        click.echo(f"note: {line}", err=True)
    return _say(report, text, format_name, deny)


def _say(report: CheckReport, text: str, format_name: str, deny: str | None) -> None:
    click.echo(text, nl=False)
    if format_name == "text" and (hint := _fixable(report.diagnostics)):
        click.echo(hint, err=True)
    if any(d.is_error or deny == "warnings" for d in report.diagnostics):
        raise click.exceptions.Exit(Exit.ERRORS)
    if format_name not in _DOCUMENTS:
        click.echo(_summary(report), err=format_name != "text")


def _fixable(found: Sequence[Diagnostic]) -> str | None:
    """Return a sentence about what `--fix` would change; None where it would change nothing."""
    safe = sum(any(fix.is_safe for fix in d.fixes) for d in found)
    guesses = sum(bool(d.fixes) for d in found) - safe
    if safe and guesses:
        return f"`cij check --fix` mends {safe} of these, `--fix --unsafe` {guesses} more that need a review"
    if safe:
        return f"`cij check --fix` mends {safe} of these"
    return (
        f"`cij check --fix --unsafe` mends {guesses} of these; review the result"
        if guesses
        else None
    )


def _text(report: CheckReport, format_name: str) -> str:
    found, allowed = report.diagnostics, report.suppressed
    return render(found, report.texts, format_name, painter(sys.stdout), allowed)


def _summary(report: CheckReport) -> str:
    parts = (f"{n} {noun}{'' if n == 1 else 's'}" for noun, n in report.counts.items())
    return f"{_verdict(report.diagnostics)}: {', '.join(parts)}"


def _verdict(warnings: Sequence[Diagnostic]) -> str:
    return "ok, with warnings" if warnings else "ok"


# --- functions that compile; their imports are local, since a cached check needs none of them ---


def _report(path: Path) -> CheckReport:
    question = ask(path)
    report = answer(question)
    if report is None:
        from cij.app.project_check import check

        report = check(question)
    return report


def _compiled(
    path: Path, format_name: str, is_fixing: bool, is_unsafe: bool, has_bounds: bool
) -> tuple[CheckReport, str]:
    """Return the report and its text for options that need the compiled project."""
    from cij.app.compile import compile_path
    from cij.app.fix import fix_files
    from cij.app.project_check import report_of
    from cij.cli.bounds_table import with_bounds

    if is_fixing:
        fixed = fix_files(path, is_unsafe=is_unsafe)
        click.echo(f"fixed {fixed.summary}", err=format_name != "text")
        result = fixed.compiled
    else:
        result = compile_path(path)
    report = report_of(result)
    text = _text(report, format_name)
    if has_bounds and result.compilation.program is not None:
        text = with_bounds(text, result.compilation.model, format_name)
    return report, text


def _show_fixes(path: Path, is_unsafe: bool) -> None:
    """Print the changes of the fixes. The command fails if there are any, as `fmt --check` does."""
    from cij.app.fix import difference, fix
    from cij.app.project import open_project

    fixed = fix(open_project(path), is_unsafe=is_unsafe)
    click.echo(difference(fixed), nl=False)
    click.echo(f"would fix {fixed.summary}", err=True)
    if fixed.after:
        raise click.exceptions.Exit(Exit.ERRORS)
