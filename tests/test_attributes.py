"""A value in an attribute of HTML stays in it, with or without quotes."""

import pytest

from cij.compiler.program import Content
from cij.runtime.delivery.render import render


@pytest.mark.parametrize(
    ("tag", "value", "expected"),
    [
        ("<img alt={{ name }} src=x>", "a onerror=b", "<img alt=a&#32;onerror&#61;b src=x>"),
        ("<img alt={{ name }} src=x>", "", '<img alt="" src=x>'),
        ("<img alt=x-{{ name }}>", "a b>", "<img alt=x-a&#32;b&#62;>"),
        ("<p {{ name }}>", "onclick=a", "<p onclick&#61;a>"),
        ('<img alt="{{ name }}">', "a b", '<img alt="a b">'),
        ("<p>it's <b title={{ name }}>x</b></p>", "a b", "<p>it's <b title=a&#32;b>x</b></p>"),
    ],
)
def test_a_value_without_quotes_adds_no_attributes(tag: str, value: str, expected: str) -> None:
    content = Content(locale="en", subject="s", body=tag, format="html")
    assert render(content, {"name": value}).html == expected
