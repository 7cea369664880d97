"""`use`: modules of the language's library, whose texts are compiled with those of the project.

A module is a `.journey` file. A project that uses it has all its declarations as if they were its own:
under their names, once, wherever `use` is written.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cij.compiler.naming import did_you_mean
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.parser import parse

# Module name to text.
Library = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Borrowed:
    """What a project uses of the library: names of modules, their texts and trees by file."""

    modules: frozenset[str]
    texts: dict[str, str]
    files: dict[str, syntax.File]


def file_of_module(module: str) -> str:
    """Return the file that places in a module are shown with."""
    return module.replace(".", "/") + ".journey"


def borrow(
    files: Mapping[str, syntax.File], library: Library, report: Callable[[Diagnostic], None]
) -> Borrowed:
    """Return the modules that the files use; report those that there are not."""
    used: dict[str, None] = {}
    for node in _uses(files):
        module = node.module.text
        if module not in library:
            hint = did_you_mean(module, library)
            message = f"there is no module `{module}`"
            report(codes.UNKNOWN_NAME.at(node.module.span, message, help=hint))
        elif file_of_module(module) in files:
            message = f"`{file_of_module(module)}` is a file of this project and of the library"
            hint = "move that file to another folder"
            report(codes.DUPLICATE_NAME.at(node.module.span, message, help=hint))
        else:
            used[module] = None
    texts = {file_of_module(module): library[module] for module in used}
    parsed = {file: parse(file, text) for file, text in texts.items()}
    for file, (_, mistakes) in parsed.items():
        assert not mistakes, f"the library has a mistake in {file}: {mistakes[0].message}"
    return Borrowed(frozenset(used), texts, {file: tree for file, (tree, _) in parsed.items()})


def _uses(files: Mapping[str, syntax.File]) -> Iterator[syntax.Use]:
    for file in files.values():
        for node in file.declarations:
            if isinstance(node, syntax.Use):
                yield node


def home_of(kind: str, name: str, library: Library) -> str | None:
    """Return the module that declares `name`, or None."""
    declared = re.compile(rf"^{kind} {re.escape(name)} \{{", re.MULTILINE)
    return next((module for module, text in library.items() if declared.search(text)), None)
