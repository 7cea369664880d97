"""`cij explain`: the meaning of a code, a rule, a word, a term or a declaration, in plain words."""

import json
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import click

from cij.app.explanations import explained, is_word, names_of, nearest, page_of, project_at
from cij.app.pages import language_words, terms, titles
from cij.cli.arguments import path_and_name
from cij.cli.exits import Exit

if TYPE_CHECKING:
    from cij.app.compile import Compiled


@click.command(
    epilog="""\b
Examples:
  cij explain                          # list what can be explained
  cij explain CIJ602                   # a code that `cij check` has printed
  cij explain S16                      # a rule of the language
  cij explain goal                     # a word of the language
  cij explain passage                  # a term of the documentation
  cij explain loyalty_reward examples/loyalty
  cij explain --json                   # the same list, as JSON"""
)
@click.argument("words", nargs=-1, metavar="[WHAT] [PATH]")
@click.option("--json", "as_json", is_flag=True, help="Print the texts, or the names, as JSON.")
def command(words: tuple[str, ...], as_json: bool) -> None:
    """Explain WHAT: a code, a rule, a word, a term, or a name in the project at PATH."""
    # The name of a code or rule is never a path, also where a folder has the same name.
    text = page_of(words[0]) if words else None
    if text is not None and len(words) == 1:
        _tell(words[0], [text], as_json)
        return
    path, what = _asked(words)
    if what is None:
        _list(_project(path, bool(words)), as_json)
        return
    project = _project(path, len(words) > 1 and what != " ".join(words))
    _tell(what, explained(what, project) or _nothing(what, project), as_json)


def _tell(what: str, texts: list[str], as_json: bool) -> None:
    if as_json:
        click.echo(_json({"what": what, "texts": texts}))
    else:
        click.echo("\n".join(texts), nl=False)


def _json(content: dict[str, object]) -> str:
    return json.dumps({"version": 1, **content}, ensure_ascii=False, indent=2)


def _asked(words: tuple[str, ...]) -> tuple[Path, str | None]:
    """Return the path and the name.

    A word of the language is a path only if it is a project folder.
    """
    word = " ".join(words)
    return (Path(), word) if is_word(word) else path_and_name(words)


def _project(path: Path, is_asked: bool) -> "Compiled | None":
    project = project_at(path, is_asked=is_asked)
    if project is not None and (count := len(project.errors)):
        text = f"The project has {count} error{'s' if count > 1 else ''}; see `cij check`."
        click.echo(text, err=True)
    return project


def _nothing(what: str, project: "Compiled | None") -> list[str]:
    hint = nearest(what, project)
    then = f"; {hint}" if hint else "."
    click.echo(f"There is nothing called `{what}` to explain{then}", err=True)
    click.echo("`cij explain` lists what can be explained.", err=True)
    raise click.exceptions.Exit(Exit.USAGE)


def _list(project: "Compiled | None", as_json: bool) -> None:
    if as_json:
        pages = {"rules": titles("semantics"), "codes": titles("diagnostics")}
        click.echo(
            _json(
                {"names": names_of(project), "words": language_words(), "terms": terms(), **pages}
            )
        )
        return
    if project is None:
        click.echo("There is no project here; in a project its names are listed as well.")
    for kind, found in names_of(project).items():
        if found:
            click.echo(f"{kind}: {', '.join(found)}")
    for title, words in (("Words", language_words()), ("Terms", terms())):
        listed = fill(", ".join(words), width=96, initial_indent="  ", subsequent_indent="  ")
        click.echo(f"\n{title}\n{listed}")
    for title, folder in (("Rules", "semantics"), ("Codes", "diagnostics")):
        click.echo(f"\n{title}")
        for name, text in titles(folder).items():
            click.echo(f"  {name.ljust(6)}  {text}")
