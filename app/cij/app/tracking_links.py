"""The links that measure opens and clicks. Each holds what it is about, and is signed.

    /o/TOKEN    an image of one pixel: a mail was opened
    /l/TOKEN    leads on to a link of the mail: it was clicked

A token is short: it is packed with a dictionary of what most tokens have in common. Without a signing key, nobody
can make one, so the service leads only to links of messages that the project sent. A token needs no store,
so a link works also while the store is down or after the message was deleted.
"""

import json
import zlib
from dataclasses import dataclass
from functools import lru_cache

from cij.app.service_table import TrackingTable
from cij.app.signed_links import Links
from cij.runtime.delivery.defaults import MessageOf
from cij.runtime.delivery.tracked_html import with_query
from cij.runtime.errors import ConfigError

OPEN_PATH, CLICK_PATH = "/o", "/l"
# A signed token is never longer. Nothing is computed for a longer one.
TOKEN_CHARS_MAX = 4000
_OPEN, _CLICK = b"cij open 1\0", b"cij click 1\0"
_BYTES_MAX = 8000
_RAW = -15
# Never changed: it belongs to the contexts above. The most common comes last.
_COMMON = (
    b"/products/category/account/blog/shop/index.html?ref=&id=&utm_content=&utm_term="
    b"http://.org/.net/.de/.es/.fr/.co.uk/.example/.com/?/#"
    b'","utm_source=newsletter&utm_medium=email&utm_campaign="]'
    b'["c0123456789abcdef","welcome:mail:0","email",0,1,2,3,4,5,"https://www."'
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A copy of a message that was opened, or whose link was clicked.

    `link` is the link as the author wrote it, `extra` the parameters that are added to it. `number` is its
    place among the `count` different links of the mail.
    """

    customer: str
    message_key: str
    channel: str
    number: int = 0
    count: int = 0
    link: str = ""
    extra: str = ""

    @property
    def target(self) -> str:
        """Where a click leads to."""
        return with_query(self.link, self.extra)


def open_token(links: Links, mark: Mark) -> str:
    """Return the token of an opening. Raises: ConfigError."""
    return links.seal(_OPEN, _packed([mark.customer, mark.message_key, mark.channel]))


def click_token(links: Links, mark: Mark) -> str:
    """Return the token of a click. Raises: ConfigError."""
    about: list[str | int] = [mark.customer, mark.message_key, mark.channel]
    about += [mark.number, mark.count]
    return links.seal(_CLICK, _packed([*about, mark.link, mark.extra]))


def opened(links: Links, token: str) -> Mark | None:
    """Return what was opened; None for a token that is not ours."""
    return _read(links, _OPEN, token)


def clicked(links: Links, token: str) -> Mark | None:
    """Return what was clicked; None for a token that is not ours."""
    return _read(links, _CLICK, token)


def _read(links: Links, context: bytes, token: str) -> Mark | None:
    payload = links.unseal(context, token) if len(token) <= TOKEN_CHARS_MAX else None
    # Only what we signed is unpacked.
    return None if payload is None else Mark(*json.loads(_unpacked(payload)))


def _packed(parts: list[str | int]) -> bytes:
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    packing = zlib.compressobj(9, zlib.DEFLATED, _RAW, zdict=_COMMON)
    return packing.compress(text) + packing.flush()


def _unpacked(payload: bytes) -> bytes:
    return zlib.decompressobj(_RAW, zdict=_COMMON).decompress(payload, _BYTES_MAX)


@dataclass(frozen=True, slots=True)
class MailTracking:
    """Makes what a mail needs to be measured, as `[service.tracking]` says. `url` is that of the service."""

    table: TrackingTable
    url: str
    links: Links

    @property
    def topic(self) -> str:
        return self.table.topic

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(self.table.hosts)

    def extra(self, of: MessageOf) -> str:
        """Return the parameters that links of a message get."""
        known = (of.journey, of.step, of.message, of.channel)
        return _extra(self.table, *known)

    def image(self, of: MessageOf) -> str:
        """Return the address of the image that records an opening."""
        mark = Mark(of.customer, of.key, of.channel)
        return f"{self.url}{OPEN_PATH}/{open_token(self.links, mark)}"

    def link(self, of: MessageOf, target: str, number: int, count: int) -> str:
        """Return the address that leads to `target`; itself where a token would be too long."""
        mark = Mark(of.customer, of.key, of.channel, number, count, target, self.extra(of))
        token = click_token(self.links, mark)
        is_short = len(token) <= TOKEN_CHARS_MAX
        return f"{self.url}{CLICK_PATH}/{token}" if is_short else mark.target


@lru_cache(maxsize=512)
def _extra(table: TrackingTable, journey: str, step: str, message: str, channel: str) -> str:
    return table.parameters(journey=journey, step=step, message=message, channel=channel)


def tracking_of(table: TrackingTable | None, url: str | None, links: Links) -> MailTracking | None:
    """Return how mails are measured; None where they are not. Raises: ConfigError without an address."""
    if table is None:
        return None
    root = table.url or url
    if root is None:
        raise ConfigError("cij.toml: [service.tracking] needs `url`, there or in [service]")
    return MailTracking(table, root, links)
