"""`cij explain`: what a code, a rule or a declaration means, in plain words."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cij.cli.arguments import path_and_name
from cij.cli.exits import Exit
from cij.cli.pages import page, titles
from cij.compiler.naming import did_you_mean
from cij.runtime.errors import ConfigError

if TYPE_CHECKING:
    # The pages need no compiler, and answer at once.
    from cij.compiler.compilation import Compilation


@click.command(
    epilog="""\b
Examples:
  cij explain                          # what there is to explain
  cij explain CIJ602                   # a code that `cij check` has printed
  cij explain S16                      # a rule of the language
  cij explain loyalty_reward examples/loyalty"""
)
@click.argument("words", nargs=-1, metavar="[WHAT] [PATH]")
def command(words: tuple[str, ...]) -> None:
    """Say what WHAT means: a code, a rule, or a name in the project at PATH."""
    # A word that is a code or rule is no path, even beside a folder of that name.
    text = page(words[0]) if words else None
    if text is not None and len(words) == 1:
        click.echo(text, nl=False)
        return
    path, what = path_and_name(words)
    if what is None:
        _list(path, is_asked=bool(words))
    else:
        _explain(what, _compilation(path, is_asked=len(words) > 1))


def _compilation(path: Path, is_asked: bool) -> "Compilation | None":
    """Compile the project; None where there is no project and nobody named one."""
    from cij.cli.compiling import compile_path
    from cij.cli.project_files import find_root

    if not is_asked:
        try:
            find_root(path)
        except ConfigError:
            return None
    result = compile_path(path)
    count = sum(d.is_error for d in result.diagnostics)
    if count:
        text = f"The project has {count} error{'s' if count > 1 else ''}; see `cij check`."
        click.echo(text, err=True)
    return result.compilation


def _explain(what: str, made: "Compilation | None") -> None:
    from cij.compiler.meaning import meanings, names

    found = meanings(what, made.model, made.files) if made else ()
    texts = ["\n".join(lines) + "\n" for lines in found]
    if texts:
        click.echo("\n".join(texts), nl=False)
        return
    own = [name for known in names(made.model).values() for name in known] if made else []
    hint = did_you_mean(what.upper(), [*titles("diagnostics"), *titles("semantics")])
    hint = did_you_mean(what, own) or hint
    click.echo(f"There is nothing called `{what}` to explain" + _then(hint), err=True)
    click.echo("`cij explain` lists what there is.", err=True)
    raise click.exceptions.Exit(Exit.ERRORS)


def _then(hint: str | None) -> str:
    return f"; {hint}" if hint else "."


def _list(path: Path, is_asked: bool) -> None:
    from cij.compiler.meaning import names

    made = _compilation(path, is_asked)
    for kind, found in names(made.model).items() if made else ():
        if found:
            click.echo(f"{kind}: {', '.join(found)}")
    for title, folder in (("Rules", "semantics"), ("Codes", "diagnostics")):
        click.echo(f"\n{title}")
        for name, text in titles(folder).items():
            click.echo(f"  {name.ljust(6)}  {text}")
