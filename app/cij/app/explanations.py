"""Explanations of codes, rules, words of the language and names of a project, in plain words."""

from pathlib import Path
from typing import TYPE_CHECKING

from cij.app.pages import language_words, page, terms, titles, word_page
from cij.app.project_files import FILE_NAME, find_root
from cij.compiler.naming import near_hint
from cij.runtime.errors import ConfigError

if TYPE_CHECKING:
    # Pages need no compiler, so it is loaded only for names of a project.
    from cij.app.compile import Compiled


def page_of(what: str) -> str | None:
    """Return the page of a code or a rule, such as CIJ602 or S16; None without one."""
    return page(what)


def is_word(what: str) -> bool:
    """Tell whether a text is a word of the language or a term, and not a folder with a project."""
    return word_page(what) is not None and not (Path(what) / FILE_NAME).is_file()


def project_at(path: Path, *, is_asked: bool) -> "Compiled | None":
    """Compile the project at `path`. With `is_asked` a missing project is an error, else None."""
    from cij.app.compile import compile_path

    if not is_asked:
        try:
            find_root(path)
        except ConfigError:
            return None
    return compile_path(path)


def explained(what: str, project: "Compiled | None") -> list[str]:
    """Return all explanations of a name; none where nothing has this name."""
    texts: list[str] = []
    if project is not None:
        from cij.compiler.explain import explanations

        made = project.compilation
        texts = ["\n".join(lines) + "\n" for lines in explanations(what, made.model, made.files)]
    return texts + list(filter(None, [word_page(what)]))


def nearest(what: str, project: "Compiled | None") -> str:
    """Return a question such as `did you mean …?` with the nearest name; empty without one."""
    own = [name for names in names_of(project).values() for name in names]
    codes = [*titles("diagnostics"), *titles("semantics")]
    hint = near_hint(what, own) or near_hint(what, [*language_words(), *terms()])
    return hint or near_hint(what.upper(), codes) or ""


def names_of(project: "Compiled | None") -> dict[str, list[str]]:
    """Return the names of a project by kind."""
    if project is None:
        return {}
    from cij.compiler.explain import names

    return {kind: list(found) for kind, found in names(project.compilation.model).items()}
