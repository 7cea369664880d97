"""`cij approve`: a signed approval of a change."""

from pathlib import Path

import click

from cij.app.approve_change import approve
from cij.app.signed_approvals import FILE
from cij.cli.order_options import project_option
from cij.cli.render.width import shown


@click.command(
    epilog="""\b
Examples:
  cij approve legal main --key ~/.ssh/id_ed25519
  cij approve owner main HEAD --key ~/.ssh/id_ed25519 --who ana@example.com --json"""
)
@click.argument("group")
@click.argument("base")
@click.argument("head", required=False)
@click.option(
    "--key",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A private key of SSH, or a public one whose private key an agent has.",
)
@click.option("--who", default="", metavar="ADDRESS", help="Default: the address that git has.")
@project_option
@click.option("--json", "as_json", is_flag=True, help="Print the entry as JSON.")
def command(
    group: str, base: str, head: str | None, key: Path, who: str, path: Path, as_json: bool
) -> None:
    """Approve the change between BASE and HEAD for GROUP, and sign it with a key.

    Adds an entry to approvals.toml: commit this file on the branch. BASE and HEAD are as in `cij diff`, so look
    at that first. The approval is of this change only: after one more change it does not count.
    """
    made = approve(path, group, base, head, key, who)
    if as_json:
        click.echo(made.model_dump_json(indent=2))
    else:
        said = f"{made.who} approves {made.program[:12]} for {made.rule}: commit {FILE}"
        click.echo(shown(said)[0])
