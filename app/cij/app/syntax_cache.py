"""The cache of syntax trees: only files that have changed are parsed again."""

import pickle
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from cij.app.cache import digest, recalled, remember
from cij.compiler.compilation import parse_files
from cij.grammar import syntax
from cij.grammar.diagnostic import Diagnostic

_KIND = "trees"
_PROTOCOL = pickle.HIGHEST_PROTOCOL

Parsed = tuple[dict[str, syntax.File], list[Diagnostic]]
# The tree and diagnostics of each file as a pickle, by the digest of its name and text. Unchanged
# files are not pickled again when the cache is written.
_Kept = dict[str, bytes]


def parse_project(root: Path, texts: Mapping[str, str]) -> Parsed:
    """Return the same as `parse_files`, with cached trees for unchanged files."""
    old: _Kept = recalled(_KIND, root) or {}
    keys = {name: digest(name, text) for name, text in texts.items()}
    parsed = {n: parse_files({n: text}) for n, text in texts.items() if keys[n] not in old}
    kept = {key: old[key] for key in keys.values() if key in old}
    kept |= {keys[name]: data for name, found in parsed.items() for data in _pickled(found)}
    if kept.keys() != old.keys():
        remember(_KIND, root, kept)
    parts = [parsed.get(name) or _read(kept[keys[name]]) for name in sorted(texts)]
    files = {name: tree for trees, _ in parts for name, tree in trees.items()}
    return files, [found for _, diagnostics in parts for found in diagnostics]


def _pickled(found: Parsed) -> Iterator[bytes]:
    """Yield the pickle of a tree; none where the tree is too deep to be pickled."""
    with suppress(RecursionError):
        yield pickle.dumps(found, _PROTOCOL)


def _read(data: bytes) -> Parsed:
    found: Parsed = pickle.loads(data)
    return found
