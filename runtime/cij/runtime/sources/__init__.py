"""Where rows come from: one module for each kind of source, with the name of the kind.

`cij.compiler.source_kinds` is the table of the kinds. A reader is found by its name, so a new kind is
its row there and its module here.
"""

from importlib import import_module

from cij.compiler.source_kinds import SOURCE_KINDS
from cij.runtime.sources.reader import BadRow, Kind, Reading
from cij.runtime.sources.remote_files import over_network


def _reader(word: str) -> Kind:
    kind = import_module(f"{__name__}.{word}").KIND
    assert isinstance(kind, Kind), f"the module of source kind {word} has no KIND"
    return over_network(kind) if SOURCE_KINDS[word].is_of_files else kind


KINDS: dict[str, Kind] = {word: _reader(word) for word in SOURCE_KINDS}

__all__ = ["KINDS", "BadRow", "Kind", "Reading"]
