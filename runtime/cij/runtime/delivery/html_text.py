"""The text alternative of an HTML body: what a reader without HTML sees."""

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    {
        *("address", "article", "blockquote", "center", "dd", "div", "dl", "dt", "footer"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "header", "li", "main", "ol", "p", "pre"),
        *("section", "table", "tr", "ul"),
    }
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_PARAGRAPHS = frozenset({*_HEADINGS, "blockquote", "ol", "p", "pre", "table", "ul"})
_HIDDEN = frozenset({"head", "script", "style", "template", "title"})


def text_of(html: str) -> str:
    """Return the text of `html`: paragraphs apart, list items with a dash, links with targets."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._hidden = 0
        self._preformatted = 0
        # The targets of the open links, each with the number of parts before its text.
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        self._preformatted += tag == "pre"
        self._break(tag)
        given = dict(attrs)
        if tag == "a":
            self._links.append((given.get("href") or "", len(self._parts)))
        elif tag == "li":
            self._add("- ")
        elif tag in ("td", "th"):
            self._add(" ")
        elif tag == "img":
            self._add(given.get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN and self._hidden > 0
        self._preformatted -= tag == "pre" and self._preformatted > 0
        if tag == "a" and self._links:
            self._end_link(*self._links.pop())
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._preformatted:
            data = re.sub(r"\s+", " ", data)
            data = data.lstrip() if self._is_after_space() else data
        self._add(data)

    def text(self) -> str:
        text = re.sub(r"[ \t]+\n", "\n", "".join(self._parts))
        return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"

    def _is_after_space(self) -> bool:
        return not self._parts or self._parts[-1].endswith((" ", "\n"))

    def _add(self, text: str) -> None:
        if text and not self._hidden:
            self._parts.append(text)

    def _break(self, tag: str) -> None:
        if tag in _BLOCKS or tag in ("br", "hr"):
            self._add("\n\n" if tag in _PARAGRAPHS else "\n")

    def _end_link(self, target: str, start: int) -> None:
        label = "".join(self._parts[start:]).strip()
        bare = target.removeprefix("mailto:").removeprefix("tel:")
        if target and not target.startswith("#") and bare != label:
            self._add(f" ({target})")
