"""Asks before something that cannot be taken back."""

import sys

import click

from cij.cli.exits import Exit


def confirm(question: str, otherwise: str) -> None:
    """Ask a question, and end the command where the answer is no; `otherwise` says what did not happen.

    Raises: UsageError where there is no terminal to ask.
    """
    try:
        is_meant = click.confirm(question, err=True)
    except click.Abort as error:
        # On a terminal the person has cancelled. Elsewhere nobody could answer.
        if sys.stdin.isatty():
            raise
        click.echo(err=True)
        raise click.UsageError("there is no terminal to ask; give `--yes` in a script") from error
    if not is_meant:
        click.echo(otherwise, err=True)
        raise click.exceptions.Exit(Exit.ERRORS)
