"""What comes as JSON from outside may be broken or deep: it is mended or put aside, and stops nothing."""

import json

import pytest

from cij.runtime.outside_json import read_json, shown_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'{"a": "thanks \ud83d"}', {"a": "thanks ?"}),
        (r'{"\udead": ["\ude00"]}', {"?": ["?"]}),
        (r'{"a": "\ud83d\ude00"}', {"a": "😀"}),
        (r'"\\ud83d"', r"\ud83d"),
        (b'{"a": "\xed\xa0\xbd"}', {"a": "?"}),
        ("[" * 60 + "]" * 60, eval("[" * 60 + "]" * 60)),
    ],
)
def test_half_a_character_becomes_a_question_mark(text: str | bytes, value: object) -> None:
    assert read_json(text) == value


@pytest.mark.parametrize("depth", [65, 900, 20_000, 200_000])
@pytest.mark.parametrize("signs", [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_too_deep_is_refused(depth: int, signs: tuple[str, str]) -> None:
    text = signs[0] * depth + "1" + signs[1] * depth
    for form in (text, text.encode()):
        with pytest.raises(ValueError, match="nested too deep"):
            read_json(form)


@pytest.mark.parametrize("text", ["1e400", "-1e999", "NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("form", ["{}", "[{}]", '{{"a": {}}}'])
def test_what_is_shown_can_be_written_again(text: str, form: str) -> None:
    assert json.loads(json.dumps(shown_json(form.format(text)), allow_nan=False)) == json.loads(
        form.format(f'"{text}"')
    )
