"""The `cij` command: a table of commands. The module of a command is imported only when it is used.

Only click is imported here, so that `cij --help` and a mistyped command answer quickly.
"""

import difflib
import gc
import importlib
import os
import sys
from typing import NamedTuple, NoReturn

import click

from cij.cli.failures import passing_closed_pipe, run
from cij.cli.output import open_output, tell_lost_output


class Row(NamedTuple):
    """One command: its module, its line in the list of commands, and its section there."""

    module: str
    help: str
    section: str
    attribute: str = "command"


def _row(name: str, help: str, section: str) -> Row:
    return Row(f"cij.cli.commands.{name}", help, section)


_WRITE, _SEE, _RUN = "Write journeys", "See what they mean", "Run them"

# Each is about what a declaration of the same name made of the data.
_DATA: dict[str, Row] = {
    "source": _row("source", "list sources, or write the declaration of a file", _SEE),
    "segment": _row("segment", "show sizes, members and overlap of segments", _SEE),
    "measure": _row("measure", "show sums, averages and percentiles of measures", _SEE),
}
COMMANDS: dict[str, Row] = {
    "new": _row("new", "make a small working project", _WRITE),
    "check": _row("check", "report every mistake, with its fix", _WRITE),
    "fmt": _row("fmt", "format .journey files", _WRITE),
    "test": _row("test", "run the tests of the journeys", _WRITE),
    "lsp": _row("lsp", "serve an editor: mistakes, completion, rename", _WRITE),
    "explain": _row("explain", "explain a journey, rule, word or code in plain words", _SEE),
    "graph": _row("graph", "draw journeys", _SEE),
    "sql": _row("sql", "print the SQL of a segment, measure or journey", _SEE),
    "catalog": _row("catalog", "list profile fields, events, segments and messages", _SEE),
    **_DATA,
    "diff": _row("diff", "show what a change means for customers", _SEE),
    "approve": _row("approve", "sign an approval of a change", _SEE),
    "lineage": _row("lineage", "follow a name from the column to the mail, and back", _SEE),
    "build": _row("build", "write the compiled program as JSON", _SEE),
    "plan": _row("plan", "show what the files would change, for how many people", _RUN),
    "apply": _row("apply", "make a saved plan live in its environment", _RUN),
    "rollback": _row("rollback", "go back to the version that ran before", _RUN),
    "history": _row("history", "list who applied what, and when", _RUN),
    "run": _row("run", "run the journeys against real data", _RUN),
    "serve": _row("serve", "run the journeys, and offer an HTTP API for events and status", _RUN),
    "simulate": _row("simulate", "run the journeys on a virtual clock, without sending", _RUN),
    "event": _row("event", "record an event of a customer", _RUN),
    "export": _row("export", "list exports and their runs, and run one now", _RUN),
    "pause": _row("pause", "freeze the sends and entries of a journey", _RUN),
    "resume": _row("resume", "end a pause, or start again after a stop", _RUN),
    "stop": _row("stop", "end a journey for all customers in it", _RUN),
    "backtest": _row("backtest", "try the files on past events, without sending", _RUN),
    "replay": _row("replay", "compare a new version with the live one on past events", _RUN),
    "timeline": _row("timeline", "show what happened to one customer", _RUN),
    "why": _row("why", "explain why a customer entered, got a message, or did not", _RUN),
    "suppression": _row("suppression", "show and change the list of people who get nothing", _RUN),
    "forget": _row("forget", "erase all that is kept of a person", _RUN),
    "export-person": _row("export_person", "print all that is kept of a person", _RUN),
    "consent": _row("consent", "show, export and import what customers agreed to", _RUN),
    "quarantine": _row("quarantine", "show and retry events that do not fit", _RUN),
    "key": _row("key", "make and revoke keys of the HTTP service", _RUN),
    "status": _row("status", "show who is where, and what was sent", _RUN),
    "backup": _row("backup", "copy the state, also while a run goes on", _RUN),
    "restore": _row("restore", "put a backup of the state back", _RUN),
    "store": _row("store", "move a project between a file and PostgreSQL", _RUN),
    "doctor": _row("doctor", "check this machine, the settings and the sources", _RUN),
}


class LazyGroup(click.Group):
    """A group that lists its commands from the table and imports only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        command: click.Command = getattr(importlib.import_module(row.module), row.attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        # Click's own message has no suggestion.
        if name not in COMMANDS and not name.startswith("-"):
            close = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean `{close[0]}`?" if close else ""
            ctx.fail(f"there is no command `{name}`.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for section in dict.fromkeys(row.section for row in COMMANDS.values()):
            rows = [(n.ljust(width), r.help) for n, r in COMMANDS.items() if r.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> object:
        return passing_closed_pipe(lambda: self._invoke(ctx))

    def _invoke(self, ctx: click.Context) -> object:
        """Invoke the command. A mistake of its caller is shown below the usage line."""
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            if (place := self._place_of(ctx, error.option_name)) is None:
                raise
            raise click.UsageError(place, error.ctx) from error
        except Exception as error:
            if getattr(error, "exit_name", None) != "USAGE":
                raise
            raise click.UsageError(str(error), self._context_of_command(ctx)) from error

    def _place_of(self, ctx: click.Context, option: str) -> str | None:
        """Say where an option of all commands is written; None for any other."""
        own = {word: param for param in self.params for word in param.opts}
        if (param := own.get(option)) is None:
            return None
        # Click 8.1 has another signature for making a metavar.
        value = "" if getattr(param, "is_flag", False) else f" {param.metavar or 'VALUE'}"
        words = f"cij {option}{value} {ctx.invoked_subcommand} ..."
        return f"write `{option}` before the command: `{words}`"

    def _context_of_command(self, ctx: click.Context) -> click.Context:
        # The context of the command is closed already, and the usage line needs one.
        name = ctx.invoked_subcommand or ""
        command = self.get_command(ctx, name) or self
        return click.Context(command, parent=ctx, info_name=name)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from cij.app.version import own_version

        click.echo(f"cij {own_version()}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `cij new my-journeys`. Exit codes: docs/exit-codes.md.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
@click.option(
    "--env",
    "env",
    metavar="NAME",
    help="Work in the environment NAME of cij.toml, such as staging; CIJ_ENV does the same.",
)
@click.option("--no-color", is_flag=True, help="Print no colours; NO_COLOR does the same.")
@click.pass_context
def cli(ctx: click.Context, no_color: bool, env: str | None) -> None:
    """Customer journeys as code: write, check, test and run them."""
    if env is not None:
        from cij.runtime.state_folder import environment

        ctx.with_resource(environment(env))
    if no_color:
        # A variable, because libraries and child processes read it too.
        os.environ["NO_COLOR"] = "1"
    if os.environ.get("NO_COLOR"):
        ctx.color = False


# The thresholds of Python's garbage collector, in new objects and in collections of the generation
# below.
_GARBAGE_THRESHOLDS = (100_000, 20, 20)


def main() -> NoReturn:
    """Run the command line and exit with a code of `cij.cli.exits`."""
    # Most objects of a command live until its end, so the collector finds little and costs time.
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    # Without this, pydantic searches every installed package for plugins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    open_output()
    code = run(cli, sys.argv[1:])
    tell_lost_output()
    sys.exit(code)
