"""Opens and clicks: an image of one pixel, and links that lead on to those of the mail.

    GET /o/TOKEN    the image; its event is `opened`
    GET /l/TOKEN    leads on; its event is `clicked`

Who opens a mail or clicks gets what they came for, also where the event cannot be kept: then it is
counted (`cij_tracking_not_kept`). Requests of machines become events of their own names (`machines.py`).
"""

import asyncio
import base64
from collections.abc import Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cij.app.signed_links import Links
from cij.app.tracking_links import (
    CLICK_PATH,
    OPEN_PATH,
    TOKEN_CHARS_MAX,
    Mark,
    clicked,
    opened,
)
from cij.service.consent_pages import Gone
from cij.service.event_rows import Row, new_id
from cij.service.house import House, house_of
from cij.service.machines import sign_of
from cij.service.problems import Problem
from cij.service.receiving import keep

# A transparent GIF of one pixel.
_IMAGE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
# So long a click waits for the disk.
_PATIENCE_S = 2.0


def routes() -> list[Route]:
    """Return the routes of the image and of links. HEAD is answered as GET."""
    return [
        Route(OPEN_PATH + "/{token}", _open, methods=["GET"]),
        Route(CLICK_PATH + "/{token}", _click, methods=["GET"]),
    ]


async def _open(request: Request) -> Response:
    mark = _mark(request, opened)
    if mark is None:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    await _note(request, mark, "opened")
    return Response(_IMAGE, media_type="image/gif")


async def _click(request: Request) -> Response:
    mark = _mark(request, clicked)
    if mark is None:
        raise Gone()
    await _note(request, mark, "clicked")
    # Its characters were quoted when the link was made, so it is one line.
    return Response(status_code=HTTPStatus.FOUND, headers={"location": mark.target})


def _mark(request: Request, read: Callable[[Links, str], Mark | None]) -> Mark | None:
    """Return what a token is about. Raises: Problem for an address that guesses tokens."""
    house, token = house_of(request), request.path_params["token"]
    mark = read(house.links, token) if len(token) <= TOKEN_CHARS_MAX else None
    if mark is None:
        # Only those: many people may be behind one address, as with proxies of images.
        house.access.count_visit(request)
    return mark


async def _note(request: Request, mark: Mark, event: str) -> None:
    """Keep an event. Whatever fails, the visitor does not notice."""
    house = house_of(request)
    if house.settings.tracking is None:
        # It was measured when the mail was sent, and is not any more.
        return
    sign = sign_of(request.method, request.headers)
    try:
        if not house.access.may_repeat(mark.message_key):
            raise TimeoutError
        async with asyncio.timeout(_PATIENCE_S):
            await _kept(house, mark, event, sign)
    except (Problem, TimeoutError):
        house.measures.unkept.labels(event).inc()


async def _kept(house: House, mark: Mark, event: str, sign: str | None) -> None:
    row = _row(house, mark, event, sign)
    is_held = event == "clicked" and sign is None and mark.count > 1
    if is_held:
        row |= {"link_number": mark.number, "links": mark.count}
    await keep(house, [row], "tracking", house.held if is_held else None)


def _row(house: House, mark: Mark, event: str, sign: str | None) -> Row:
    assert house.settings.tracking is not None, "nothing is measured"
    fields = {"link": mark.link} if event == "clicked" else {}
    return {
        "event": event if sign is None else f"{event}_by_machine",
        "customer": mark.customer,
        "channel": mark.channel,
        "message_key": mark.message_key,
        "at": f"{house.now().isoformat()}Z",
        "id": new_id(),
        "fields": fields if sign is None else {**fields, "sign": sign},
        # What was sent while they agreed may be opened when they do not any more.
        "if_consent": house.settings.tracking.topic,
    }
