"""What a run says while it goes on: sentences for people, or one JSON object a line."""

import sys
from typing import Literal

import click

Kind = Literal["text", "json"]
_is_json = False

log_option = click.option(
    "--log",
    "log_kind",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="Log as sentences, or as one JSON object per line. JSON has no addresses of customers.",
)


def begin(kind: Kind) -> None:
    """Send what is said, and all log lines, to standard error in one form."""
    global _is_json
    _is_json = kind == "json"
    # An idle run says nothing, and is over sooner than this is loaded.
    import logging

    if not _is_json:
        logging.basicConfig(
            level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
        )
    else:
        from cij.app.json_log import JsonFormatter

        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter())
        logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Requests are counted by the metrics; a terminal would be full of them.
    logging.getLogger("cij.access").setLevel(logging.INFO if _is_json else logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


def say(text: str) -> None:
    """Say a sentence."""
    if _is_json:
        import logging

        logging.getLogger("cij.run").info("%s", text)
    else:
        click.echo(text, err=True)
