"""Slips in the head of a journey and in what it sends: what is meant is told, and mended."""

import pytest

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.grammar.diagnostic import Diagnostic
from tests.tiny import HEAD

JOURNEY = "journey j {\n  enter on visit\n  @\n  steps {\n    send email hello\n  }\n}\n"


def found(text: str) -> list[Diagnostic]:
    settings = ProjectSettings("slips", "UTC")
    return list(compile_project(settings, {"a.journey": text}, {}, {}).diagnostics)


def mended(text: str, diagnostic: Diagnostic) -> str:
    for edit in diagnostic.fixes[0].edits:
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


SLIPS = [
    ("again = after 30 days", "again after 30 days", True),
    ("again: after 30 days", "again after 30 days", True),
    ("again = 30 days", "again after 30 days", True),
    ("again = never", "again never", True),
    ("again 30 days", "again after 30 days", True),
    ("again every 30 days", "again after 30 days", True),
    ("holdout 10%", "holdout = 10%", True),
    ("holdout = 10", "holdout = 10%", False),
    ("holdout = 0.1", "holdout = 10%", False),
    ("holdout = 0.125", "holdout = 12.5%", False),
]


@pytest.mark.parametrize(("wrong", "right", "is_safe"), SLIPS)
def test_a_slip_in_the_head_is_mended(wrong: str, right: str, is_safe: bool) -> None:
    text = HEAD + JOURNEY.replace("@", wrong)
    [one] = found(text)
    assert one.is_error and [fix.is_safe for fix in one.fixes] == [is_safe]
    after = mended(text, one)
    assert f"  {right}\n" in after and found(after) == []


@pytest.mark.parametrize(
    ("wrong", "help"),
    [
        ("goal = visit", "write `goal NAME on EVENT` or `goal NAME when CONDITION`"),
        ("again = sometimes", "write `again never`, `again always` or `again after 30 days`"),
        ("holdout = 1000", None),
    ],
)
def test_what_cannot_be_mended_is_told(wrong: str, help: str | None) -> None:
    [one] = found(HEAD + JOURNEY.replace("@", wrong))
    assert (
        one.fixes == () and (one.help or "").startswith(help or "") and bool(one.help) == bool(help)
    )


def test_a_steps_block_without_its_brace_is_mended() -> None:
    text = (HEAD + JOURNEY.replace("@", "again never")).replace("steps {", "steps")
    [one] = found(text)
    assert one.message == "expected `{` after `steps`"
    assert found(mended(text, one)) == []


SEND = 'send email hello {\n      code = "A"\n    }'


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("{{ cod }}", ["CIJ601"]),
        ("{{ quite_another }}", ["CIJ601", "CIJ605"]),
        ("{{ cod }} {{ code }}", ["CIJ601"]),
        ("{% if code %}x{% fi %}", ["CIJ603"]),
        ("{% if x %}{{ code }}", ["CIJ603"]),
        ("{% if email %}x{% fi %}", ["CIJ603", "CIJ605"]),
    ],
)
def test_a_parameter_that_a_slip_means_is_not_called_unused(body: str, codes: list[str]) -> None:
    text = (HEAD + JOURNEY).replace("@", "again never").replace("send email hello", SEND)
    text = text.replace('body = "Hello"', f'body = "{body}"')
    assert sorted(one.code for one in found(text)) == codes
