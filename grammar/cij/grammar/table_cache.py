"""The parse table. It is built once for each user and stored in their private cache folder.

Building takes a hundred times longer than loading. Lark's own `cache=True` is not used, because its
file has a predictable name in the shared temporary folder, and the file is a pickle.
"""

import hashlib
import io
import pickle
import sys
from functools import cache

import lark
from lark import Lark

from cij.grammar.grammar_text import grammar_sources
from cij.grammar.private_folder import keep, kept

# The exceptions of reading a pickle that another version has written.
_DAMAGE: tuple[type[Exception], ...] = (
    pickle.UnpicklingError,
    EOFError,
    ArithmeticError,
    LookupError,
    AttributeError,
)
_DAMAGE += (TypeError, ValueError, ImportError, AssertionError, MemoryError)


@cache
def table() -> Lark:
    """Return the stored parse table; without one, build and store it."""
    name = f"grammar-{fingerprint()}.table"
    return _load(name) or _build_and_keep(name)


def build(is_strict: bool = False) -> Lark:
    """Build the table from the grammar files.

    `is_strict` reports collisions and needs interegular.
    """
    return Lark(
        "\n".join(grammar_sources()),
        parser="lalr",
        # A word is a keyword only where one fits, so that most words can be names.
        lexer="contextual",
        strict=is_strict,
        # Spans need positions, and the formatter needs every token.
        propagate_positions=True,
        keep_all_tokens=True,
        maybe_placeholders=False,
    )


@cache
def fingerprint() -> str:
    """Return the hash of everything that the table depends on."""
    digest = hashlib.sha256()
    for source in grammar_sources():
        digest.update(source.encode() + b"\0")
    digest.update(f"{lark.__version__} {sys.version_info[:2]}".encode())
    return digest.hexdigest()


def _load(name: str) -> Lark | None:
    content = kept(name)
    try:
        return Lark.load(io.BytesIO(content)) if content is not None else None
    except _DAMAGE:
        return None


def _build_and_keep(name: str) -> Lark:
    lark = build()
    content = io.BytesIO()
    lark.save(content)
    keep(name, content.getvalue())
    return lark
