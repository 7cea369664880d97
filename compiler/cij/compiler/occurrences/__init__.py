"""Where in the files each name is declared and used: what an editor follows and renames.

The syntax trees say where a name is written, and the model says what it means. A file with mistakes
still gives the names of the parts that could be read.
"""

from collections.abc import Iterator, Mapping

from cij.compiler.model import Model
from cij.compiler.occurrences.of_declarations import of_file
from cij.compiler.occurrences.place_scope import Occurrence, Texts
from cij.grammar import syntax

__all__ = ["Occurrence", "occurrences"]


def occurrences(
    files: Mapping[str, syntax.File], model: Model, texts: Mapping[str, str]
) -> Iterator[Occurrence]:
    """Yield all names of a project, file by file.

    `texts` has the files and the content files of messages, as they are written. A name whose meaning
    is not clear, because something near it is wrong, is left out.
    """
    for name in sorted(files):
        yield from of_file(files[name], model, Texts(texts))
