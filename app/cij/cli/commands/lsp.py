"""`cij lsp`: the language server."""

import importlib.util

import click

from cij.app.request_error import RequestError


@click.command(
    epilog="""\b
Examples:
  pip install "cij[lsp]"
  cij lsp                  # started by the editor; see docs/editors.md"""
)
def command() -> None:
    """Serve an editor: mistakes while you type, completion, rename, formatting.

    The editor starts this command and talks to it over standard input and output. It needs
    the extra `lsp`.
    """
    if importlib.util.find_spec("pygls") is None:
        raise RequestError('the language server is not installed; `pip install "cij[lsp]"`')
    from cij.lsp.server import make_server

    make_server().start_io()
