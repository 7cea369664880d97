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


JS = "javascript:alert(1)"


@pytest.mark.parametrize(
    ("html", "values", "expected"),
    [
        *(
            (f'<a {name}="{{{{ a }}}}">', [JS], f'<a {name}="#">')
            for name in ("href", "action", "formaction", "background", "poster", "xlink:href", "cite")
        ),
        ("<form action={{ a }}>", [JS], "<form action=#>"),
        ('<a HREF = "{{ a }}">', [JS], '<a HREF = "#">'),
        ('<a href="{{ a }}{{ b }}">', ["", JS], '<a href="#">'),
        ('<a href="{{ a }}{{ b }}">', ["java", "script:alert(1)"], '<a href="java#">'),
        ('<a href="{{ a }}{{ b }}">', ["javascript", ":alert(1)"], '<a href="javascript#">'),
        ('<a href="{{ a }}:{{ b }}">', ["javascript", "alert(1)"], '<a href="#:alert(1)">'),
        ('<a href="{{ a }}:{{ b }}">', ["https", "//x.example"], '<a href="https://x.example">'),
        ('<a href="https://x.example/{{ a }}?b={{ b }}">', ["p q", 'c"d'], '<a href="https://x.example/p%20q?b=c%22d">'),
        ('<img srcset="a.png 1x, {{ a }} 2x">', [JS], '<img srcset="a.png 1x, # 2x">'),
        ('<meta http-equiv="refresh" content="0; url={{ a }}">', [JS], '<meta http-equiv="refresh" content="0; url=#">'),
        ('<meta name="x" content="{{ a }}">', ['a"b'], '<meta name="x" content="a&quot;b">'),
        ('<p style="color: {{ a }}">', ["red; background: url(//x.example)"], '<p style="color: red background urlx.example">'),
        ("<p onclick=\"say('{{ a }}')\">", ["a'); alert('b"], "<p onclick=\"say('a\\u0027\\u0029\\u003b alert\\u0028\\u0027b')\">"),
        ("<script>var a = '{{ a }}'</script><b>{{ b }}</b>", ["</script>'", "<"], "<script>var a = '\\u003c\\u002fscript\\u003e\\u0027'</script><b>&lt;</b>"),
        ("<style>p { color: {{ a }} }</style>", ["red} * {display:none"], "<style>p { color: red  displaynone }</style>"),
        ('<iframe srcdoc="{{ a }}">', ["<b>"], '<iframe srcdoc="&amp;lt;b&amp;gt;">'),
        ("<title>{{ a }}</title>", ["</title><b>"], "<title>&lt;/title&gt;&lt;b&gt;</title>"),
        ('<img alt="{{ a }}{{ b }}" title={{ a }}>', ["x y", '"'], '<img alt="x y&quot;" title=x&#32;y>'),
        ("<!-- {{ a }} -->", ["--><b>"], "<!-- --&gt;&lt;b&gt; -->"),
    ],
)  # fmt: skip
def test_a_value_does_in_no_place_what_its_author_did_not_write(
    html: str, values: list[str], expected: str
) -> None:
    content = Content(locale="en", subject="s", body=html, format="html")
    assert render(content, dict(zip("ab", values, strict=False))).html == expected


def test_a_link_in_markdown_runs_nothing() -> None:
    content = Content(
        locale="en", subject="s", body="[x]({{ a }}) ![y]({{ a }})", format="markdown"
    )
    found = render(content, {"a": JS}).html
    assert found is not None and "javascript" not in found
