"""What editors need besides the server follows the grammar of the language."""

import json
import re
from pathlib import Path

import pytest
from pygments import lex
from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, Error, Keyword, Name, String

from cij.grammar.grammar_text import DECLARATION_WORDS, STEP_WORDS
from cij.grammar.language_words import all_words
from cij.grammar.pygments_lexer import JourneyLexer
from editors import textmate

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(ROOT.glob("examples/*/journeys/*.journey"))


def test_the_textmate_grammar_is_that_of_the_language() -> None:
    assert textmate.FILE.read_text("utf-8") == textmate.text(), "run python -m editors.textmate"


def test_every_word_is_known() -> None:
    assert {*DECLARATION_WORDS, *STEP_WORDS} <= {*all_words()}
    assert {"up to", "in segment", "monday", "days"} <= {*all_words()}


def test_every_pattern_of_the_textmate_grammar_compiles() -> None:
    found = re.findall(r'"(?:match|begin|end)": ("(?:[^"\\]|\\.)*")', textmate.text())
    assert len(found) > 10
    for pattern in found:
        re.compile(json.loads(pattern))


def test_the_extension_names_files_that_are_there() -> None:
    folder = textmate.FILE.parents[1]
    package = json.loads((folder / "package.json").read_text("utf-8"))
    language, grammar = (
        package["contributes"]["languages"][0],
        package["contributes"]["grammars"][0],
    )
    for file in (package["main"], language["configuration"], grammar["path"]):
        assert (folder / file).is_file(), file


@pytest.mark.parametrize("file", EXAMPLES[:6], ids=lambda path: path.stem)
def test_pygments_colours_every_sign_of_an_example(file: Path) -> None:
    tokens = list(lex(file.read_text("utf-8"), JourneyLexer()))
    assert [text for kind, text in tokens if kind is Error] == []
    assert "".join(text for _, text in tokens).strip() == file.read_text("utf-8").strip()


def test_pygments_knows_words_labels_texts_and_comments() -> None:
    text = '# why\njourney x {\n  steps {\n    a: send email hello\n    b = "c"\n  }\n}\n'
    found = {text: kind for kind, text in lex(text, JourneyLexer())}
    assert found["# why"] in Comment and found["journey"] is Keyword.Declaration
    assert found["a"] is Name.Label and found["send"] is Keyword.Reserved
    assert found['"c"'] in String and found["hello"] is Name


def test_pygments_finds_the_lexer_by_the_name_of_a_file() -> None:
    assert isinstance(get_lexer_for_filename("welcome.journey"), JourneyLexer)
