"""The HTML of mails that are measured: which links are turned into those of the service, and which stay."""

import time

import pytest

from cij.runtime.delivery.html_places import written_hosts
from cij.runtime.delivery.tracked_html import turned, with_image, with_query
from tests.tracked_mail import BODY, A, B


def test_only_links_to_hosts_of_the_author_are_turned() -> None:
    hosts = written_hosts(BODY.replace("{{ email | default: 'a' }}", "cijmark0x.evil/"))
    assert hosts == {"shop.example", "shop.example:8080", "partner.example"}
    seen: list[tuple[str, int, int]] = []

    def make(target: str, number: int, count: int) -> str:
        seen.append((target, number, count))
        return f"https://go/{number}?x=1&y=2"

    html = turned(BODY, hosts, make)
    assert seen == [(A, 0, 3), (A, 0, 3), (B, 1, 3), ("https://partner.example", 2, 3)]
    assert html.count('href="https://go/0?x=1&amp;y=2"') == 2 and 'href="https://go/1?x=1' in html
    for kept in (
        "https://{{ email",
        "mailto:a@",
        'href="#top"',
        "href='https://shop.example/t'",
        "comment",
    ):
        assert kept in html
    assert 'src="https://shop.example/logo.png"' in html


@pytest.mark.parametrize(
    "href",
    [
        "https://shop.example\\@evil.example/",
        "https://shop.example@evil.example/",
        "https://shop.example.evil.example/",
        "https://shop.example:80:80/",
        "//shop.example/",
        "https:/shop.example/",
        "javascript:alert(1)//https://shop.example/",
        "https://shöp.example/",
        "https://[::1/",
        "https://shop.example/" + "x" * 2000,
        "",
    ],
)
def test_a_link_that_is_in_doubt_stays_as_it_is(href: str) -> None:
    html = f'<a href="{href}">x</a>'
    assert turned(html, {"shop.example"}, lambda *given: "https://go/") == html


def test_a_target_is_one_line_of_ascii() -> None:
    seen: list[str] = []
    html = '<a href="https://shop.example/ü ß\r\nset-cookie: a=1?q=%20&amp;%C3%BC">x</a>'

    def make(target: str, number: int, count: int) -> str:
        seen.append(target)
        return "https://go/"

    turned(html, {"shop.example"}, make)
    assert seen == ["https://shop.example/%C3%BC%20%C3%9F%0D%0Aset-cookie:%20a=1?q=%20&%C3%BC"]


@pytest.mark.parametrize("piece", ["<a ", '<a "', "<a href='", "<!-- ", "<style>", '<a href="x" '])
def test_tags_that_are_not_closed_cost_no_more_than_others(piece: str) -> None:
    html = piece * 30_000
    before = time.process_time()
    assert turned(html, {"shop.example"}, lambda *given: "https://go/") == html
    assert time.process_time() - before < 2


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("https://a.example", "https://a.example?utm_source=n&utm_id=x+y"),
        ("https://a.example/?#f", "https://a.example/?utm_source=n&utm_id=x+y#f"),
        ("https://a.example/?b=%20&b=2&", "https://a.example/?b=%20&b=2&utm_source=n&utm_id=x+y"),
        ("https://a.example/?utm_source=o#f?", "https://a.example/?utm_source=o&utm_id=x+y#f?"),
        ("https://a.example/?utm_source=&utm_id=1", "https://a.example/?utm_source=&utm_id=1"),
    ],
)
def test_a_link_keeps_its_parameters_and_its_fragment(target: str, wanted: str) -> None:
    assert with_query(target, "utm_source=n&utm_id=x+y") == wanted
    assert with_query(target, "") == target


def test_the_image_is_inside_of_the_page() -> None:
    assert with_image("<body><p>a</p></BODY></html>", "u?a&b") == (
        '<body><p>a</p><img src="u?a&amp;b" width="1" height="1" alt=""></BODY></html>'
    )
    assert with_image("<p>a</p>\n", "u").endswith('height="1" alt="">\n')
