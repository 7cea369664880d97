"""`cij explain`: what a code, a rule, a word or a declaration means, in plain words."""

import json
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import click

from cij.app.pages import language_words, page, titles, word_page
from cij.app.project_files import FILE_NAME
from cij.cli.arguments import path_and_name
from cij.cli.exits import Exit
from cij.compiler.naming import near_hint
from cij.runtime.errors import ConfigError

if TYPE_CHECKING:
    # The pages need no compiler, and answer at once.
    from cij.compiler.compilation import Compilation


@click.command(
    epilog="""\b
Examples:
  cij explain                          # list what can be explained
  cij explain CIJ602                   # a code that `cij check` has printed
  cij explain S16                      # a rule of the language
  cij explain goal                     # a word of the language
  cij explain loyalty_reward examples/loyalty
  cij explain --json                   # the same list, as JSON"""
)
@click.argument("words", nargs=-1, metavar="[WHAT] [PATH]")
@click.option("--json", "as_json", is_flag=True, help="Print the texts, or the names, as JSON.")
def command(words: tuple[str, ...], as_json: bool) -> None:
    """Explain WHAT: a code, a rule, a word, or a name in the project at PATH."""
    # A word that is a code or rule is no path, even beside a folder of that name.
    text = page(words[0]) if words else None
    if text is not None and len(words) == 1:
        _tell(words[0], [text], as_json)
        return
    path, what = _asked(words)
    if what is None:
        _list(path, bool(words), as_json)
        return
    made = _compilation(path, is_asked=len(words) > 1 and what != " ".join(words))
    _tell(what, _explained(what, made), as_json)


def _tell(what: str, texts: list[str], as_json: bool) -> None:
    if as_json:
        click.echo(_json({"what": what, "texts": texts}))
    else:
        click.echo("\n".join(texts), nl=False)


def _json(content: dict[str, object]) -> str:
    return json.dumps({"version": 1, **content}, ensure_ascii=False, indent=2)


def _asked(words: tuple[str, ...]) -> tuple[Path, str | None]:
    """Return the path and the name. A word of the language is no path, unless a project is there."""
    word = " ".join(words)
    if word_page(word) is not None and not (Path(word) / FILE_NAME).is_file():
        return Path(), word
    return path_and_name(words)


def _compilation(path: Path, is_asked: bool) -> "Compilation | None":
    """Compile the project; None where there is no project and nobody named one."""
    from cij.app.compile import compile_path
    from cij.app.project_files import find_root

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


def _explained(what: str, made: "Compilation | None") -> list[str]:
    from cij.compiler.explain import explanations, names

    found = explanations(what, made.model, made.files) if made else ()
    texts = ["\n".join(lines) + "\n" for lines in found]
    texts += filter(None, [word_page(what)])
    if texts:
        return texts
    own = [name for known in names(made.model).values() for name in known] if made else []
    codes = [*titles("diagnostics"), *titles("semantics")]
    hint = near_hint(what, own) or near_hint(what, language_words())
    hint = hint or near_hint(what.upper(), codes)
    click.echo(f"There is nothing called `{what}` to explain" + _then(hint), err=True)
    click.echo("`cij explain` lists what can be explained.", err=True)
    raise click.exceptions.Exit(Exit.USAGE)


def _then(hint: str | None) -> str:
    return f"; {hint}" if hint else "."


def _list(path: Path, is_asked: bool, as_json: bool) -> None:
    from cij.compiler.explain import names

    made = _compilation(path, is_asked)
    if as_json:
        known = dict(names(made.model)) if made else {}
        pages = {"rules": titles("semantics"), "codes": titles("diagnostics")}
        click.echo(_json({"names": known, "words": language_words(), **pages}))
        return
    if made is None:
        click.echo("There is no project here; in a project its names are listed as well.")
    for kind, found in names(made.model).items() if made else ():
        if found:
            click.echo(f"{kind}: {', '.join(found)}")
    click.echo("\nWords")
    click.echo(
        fill(", ".join(language_words()), width=96, initial_indent="  ", subsequent_indent="  ")
    )
    for title, folder in (("Rules", "semantics"), ("Codes", "diagnostics")):
        click.echo(f"\n{title}")
        for name, text in titles(folder).items():
            click.echo(f"  {name.ljust(6)}  {text}")
