"""`cij serve`: runs the journeys, and takes events and questions over HTTP."""

from pathlib import Path

import click

from cij.cli.arguments import INTERVAL_S
from cij.cli.commands.run import Orders, standby_option, take_turns
from cij.cli.run_log import Kind, begin, log_option


@click.command(
    epilog="""\b
Examples:
  cij serve                                    at the address of [service] in cij.toml
  cij serve examples/loyalty --http 127.0.0.1:8080 --log json
  curl -u "$KEY:" -d '{"customer": "ana@example.com", "fields": {"amount": 49.9}}' \\
       http://127.0.0.1:8080/v1/events/purchase"""
)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--http",
    default="",
    metavar="HOST:PORT",
    help="Where to listen. Default: `listen` in cij.toml, else 127.0.0.1:8080.",
)
@click.option(
    "--poll",
    default=2.0,
    type=INTERVAL_S,
    show_default=True,
    help="Seconds between refreshes of the sources.",
)
@standby_option
@log_option
def command(path: Path, http: str, poll: float, standby: bool, log_kind: Kind) -> None:
    """Run the journeys of the project at PATH, and take events and questions over HTTP.

    Does what `cij run` does, and offers an HTTP API. Clients send events (plain, Segment's HTTP API,
    CloudEvents, files of JSON lines) and ask for the status. Each client needs a key: see `cij key`.
    The answer 200 means that the event is safe on the disk. Probes are /healthz, /readyz and /metrics.
    docs/service.md describes the API.
    """
    begin(log_kind)
    take_turns(path, False, False, poll, Orders(False, False, False, False), http, standby)
