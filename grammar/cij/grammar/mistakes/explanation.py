"""Explains in the author's words why a text does not fit the grammar."""

from difflib import get_close_matches

from lark import Token

from cij.grammar.codes import UNEXPECTED_TEXT
from cij.grammar.diagnostic import Diagnostic, Edit, Fix, Label
from cij.grammar.expressions import TOO_DEEP, TOO_DEEP_HELP
from cij.grammar.grammar_text import DECLARATION_WORDS
from cij.grammar.mistakes.mistake import Mistake
from cij.grammar.mistakes.phrases import COMPLETE, listed, phrases, shown, words
from cij.grammar.span import Span

_WORD_MAX = 30


def explain(mistake: Mistake) -> Diagnostic:
    """Return one diagnostic for a place where the parser stopped."""
    if mistake.is_too_deep:
        return UNEXPECTED_TEXT.at(mistake.word_span, TOO_DEEP, help=TOO_DEEP_HELP)
    # From the most specific explanation to the most general one.
    return _swallowed(mistake) or _particular(mistake) or _missing(mistake)


def no_brace(mistake: Mistake, brace: str, end: int, opener: int) -> Diagnostic:
    """Return the diagnostic for a missing brace after `end`.

    `opener` is the line whose block is open.
    """
    span, own = mistake.span(end, end), _first_line(mistake.text, opener)
    if brace == "{":
        fix = Fix("add `{`", (Edit(span, " {"),))
        return UNEXPECTED_TEXT.at(span, f"expected `{{` after `{own}`", fixes=[fix])
    opened = Label(mistake.span(opener, opener + len(own)), "this one is open")
    help = "write the missing `}`"
    return UNEXPECTED_TEXT.at(span, f"`{own}` is not closed", help=help, related=[opened])


def no_sign(mistake: Mistake, start: int, end: int) -> Diagnostic:
    """Return the diagnostic for a key of a setting without `=`."""
    key, span = mistake.text[start:end], mistake.span(end, end)
    is_first = not mistake.text[mistake.text.rfind("\n", 0, start) + 1 : start].strip()
    fixes = [Fix(f"write `{key} =`", (Edit(span, " ="),))] if is_first else []
    return UNEXPECTED_TEXT.at(span, f"expected `=` after `{key}`", fixes=fixes)


def extra_brace(mistake: Mistake, start: int) -> Diagnostic:
    """Return the diagnostic for a `}` at `start` that closes nothing."""
    span = mistake.span(start, start + 1)
    return UNEXPECTED_TEXT.at(span, "a `}` that closes nothing", help="delete it")


def _swallowed(mistake: Mistake) -> Diagnostic | None:
    """Find a line that ends too early, so that the parser read the first word of the next line as
    its value.

    In `where points >`, `refresh = 1 hour` the parser stops at the `=`.
    """
    if len(mistake.tokens) < 2 or mistake.word not in ("=", ":"):
        return None
    early, taken = mistake.tokens[-2:]
    end = early.end_pos or 0
    is_first_of_line = "\n" in mistake.text[end : taken.start_pos]
    if taken.type not in ("PATH", "NAME") or early.type in COMPLETE or not is_first_of_line:
        return None
    what = "a value" if taken.type == "PATH" else "a name"
    message = f"expected {what} after {shown(early)}"
    return UNEXPECTED_TEXT.at(mistake.span(end, end), message)


def _particular(mistake: Mistake) -> Diagnostic | None:
    word, span = mistake.word, mistake.word_span
    if word == "," and "KEY" in mistake.accepted:
        help = "write each setting on its own line, without a comma at its end"
        return UNEXPECTED_TEXT.at(span, "a comma between settings", help=help)
    if word == ":" and mistake.before is not None and mistake.before.type == "NAME":
        help = f"a setting is written `{mistake.before} = value`"
        return UNEXPECTED_TEXT.at(span, "a colon after a name", help=help)
    before = mistake.before
    if before is not None and _is_stray(mistake, before):
        start = before.start_pos or 0
        place = mistake.span(start, start + len(before))
        help = "continue with `and`, `or` or an operator, or start a new line"
        return UNEXPECTED_TEXT.at(place, f"`{before}` does not fit here", help=help)
    if before is not None and before.type == "NAME" and before.upper() in mistake.accepted:
        # The name is missing, and the parser read a keyword of the statement as the name.
        start = before.start_pos or 0
        place = mistake.span(start, start + len(before))
        return UNEXPECTED_TEXT.at(place, f"expected a name before `{before}`")
    if word == "}" and mistake.is_outside:
        return UNEXPECTED_TEXT.at(span, "a `}` that closes nothing", help="delete it")
    return None


def _is_stray(mistake: Mistake, before: Token) -> bool:
    """Tell whether the parser read the word before the mistake as a block on the line of a
    value."""
    if not {"NAME", "TEXT", "LBRACE"} <= mistake.accepted or len(mistake.tokens) < 2:
        return False
    earlier = mistake.tokens[-2]
    return earlier.type not in ("LBRACE", "RBRACE") and earlier.end_line == before.line


def _missing(mistake: Mistake) -> Diagnostic:
    expected = listed(phrases(mistake.accepted))
    if not mistake.word:
        return _at_end(mistake, expected)
    help = _near(mistake) or (f"expected {expected}" if mistake.is_outside else None)
    if "RBRACE" in mistake.accepted or mistake.is_outside or mistake.before is None:
        expected = f"expected {expected}"
        found = shown(mistake.word)
        return UNEXPECTED_TEXT.at(
            mistake.word_span, f"{found} does not fit here", help=help or expected
        )
    message = f"expected {expected} after {shown(mistake.before)}"
    return UNEXPECTED_TEXT.at(_gap(mistake), message, help=help)


def _at_end(mistake: Mistake, expected: str) -> Diagnostic:
    """Return the diagnostic for a text that is missing at the end of the file."""
    own = _first_line(mistake.text, mistake.begin)
    begin = Label(mistake.span(mistake.begin, mistake.begin + len(own)), "this one is open")
    if "RBRACE" in mistake.accepted:
        message, help = f"`{own}` is not closed", "write the missing `}`"
        return UNEXPECTED_TEXT.at(_gap(mistake), message, help=help, related=[begin])
    after = f" after {shown(mistake.before)}" if mistake.before else ""
    return UNEXPECTED_TEXT.at(_gap(mistake), f"expected {expected}{after}", related=[begin])


def _gap(mistake: Mistake) -> Span:
    """Return the span of the wrong word, or the end of the word before it where a line ends between
    them.

    In the second case the missing text belongs to the line before.
    """
    before = mistake.before
    end = 0 if before is None else before.end_pos or 0
    is_new_line = "\n" in mistake.text[end : mistake.start] or not mistake.word
    return mistake.span(end, end) if is_new_line else mistake.word_span


def _near(mistake: Mistake) -> str | None:
    """Return advice where the word resembles a word that fits; else None."""
    fitting = [word.lower() for word in words(mistake.accepted)]
    known = DECLARATION_WORDS if mistake.is_outside else fitting
    near = get_close_matches(mistake.word[:_WORD_MAX].lower(), known, n=1, cutoff=0.7)
    return f"did you mean `{near[0]}`?" if near and near[0] != mistake.word else None


def _first_line(text: str, start: int) -> str:
    """Return the first line of a declaration up to its brace, at most 60 characters."""
    end = start + len(text[start:].split("\n", 1)[0])
    return text[start:end].split("{")[0].rstrip()[:60]
