"""Writes the TextMate grammar of the VS Code extension from the grammar of the language.

    python -m editors.textmate

A test fails when the file is not what this writes.
"""

import json
from pathlib import Path
from typing import Any

from cij.grammar.grammar_text import DECLARATION_WORDS, STEP_WORDS
from cij.grammar.language_words import all_words

FILE = Path(__file__).parent / "vscode" / "syntaxes" / "journey.tmLanguage.json"
_UNITS = "second|minute|hour|day|week|month|year"


def grammar() -> dict[str, Any]:
    """Return the grammar as plain values. Longer words come first, as `up to` before `up`."""
    others = set(all_words()) - {*DECLARATION_WORDS, *STEP_WORDS, "true", "false"}
    return {
        "name": "Journey",
        "scopeName": "source.journey",
        "fileTypes": ["journey"],
        "patterns": [
            {"include": f"#{part}"}
            for part in ("comment", "text", "value", "label", "word", "sign")
        ],
        "repository": {
            "comment": {"match": "#.*$", "name": "comment.line.number-sign.journey"},
            "text": {"patterns": [_text('"""'), _text('"')]},
            "placeholder": {
                "begin": r"\{\{|\{%",
                "end": r"\}\}|%\}",
                "name": "meta.embedded.liquid.journey",
            },
            "value": {
                "patterns": [
                    _match(r"\b\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2})?)?\b", "date"),
                    _match(r"\b\d{1,2}:\d{2}(?:\.\.\d{1,2}:\d{2})?\b", "time"),
                    _match(rf"\b[\d_]+ (?:{_UNITS})s?\b", "duration"),
                    _match(r"\b[\d_]+(?:\.\d+)?(?:%| [A-Z]{3}\b)?", "number"),
                    {"match": r"\b(?:true|false)\b", "name": "constant.language.journey"},
                ]
            },
            "label": {
                "match": r"(?m)^\s*((?:[^\W\d]\w*|`[^`\n]+`))(?=[ \t]*:)",
                "captures": {"1": {"name": "entity.name.label.journey"}},
            },
            "word": {
                "patterns": [
                    {
                        "match": rf"^({_choice(DECLARATION_WORDS)})\b",
                        "name": "keyword.declaration.journey",
                    },
                    {"match": rf"\b({_choice(STEP_WORDS)})\b", "name": "keyword.control.journey"},
                    {"match": rf"\b({_choice(others)})\b", "name": "keyword.other.journey"},
                ]
            },
            "sign": {"match": r"\?\?|!=|<=|>=|[=<>+\-*/]", "name": "keyword.operator.journey"},
        },
    }


def _match(pattern: str, name: str) -> dict[str, str]:
    return {"match": pattern, "name": f"constant.numeric.{name}.journey"}


def _choice(words: object) -> str:
    assert isinstance(words, (tuple, set)), "words come from the tables of the grammar"
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return "|".join(word.replace(" ", r"\s+") for word in longest_first)


def _text(quote: str) -> dict[str, Any]:
    kind = "triple" if len(quote) > 1 else "double"
    return {
        "begin": quote,
        "end": quote,
        "name": f"string.quoted.{kind}.journey",
        "patterns": [
            {"match": r"\\.", "name": "constant.character.escape.journey"},
            {"include": "#placeholder"},
        ],
    }


def text() -> str:
    return json.dumps(grammar(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
