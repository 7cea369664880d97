"""The doors for events. A request that is answered with 200 is on the disk (`runtime/intake_log.py`).

What does not fit the program is accepted as well: a step puts it aside, with its reason.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cij.compiler.naming import did_you_mean
from cij.runtime.held_clicks import HeldClicks
from cij.runtime.intake_log import IntakeLog
from cij.runtime.outside_json import read_json
from cij.service import cloud_events, segment_calls
from cij.service.bodies import json_of, read_body
from cij.service.event_rows import Naming, Row, lines_of, naming_of, new_id
from cij.service.house import House, house_of
from cij.service.problems import Problem, as_answer
from cij.service.providers import FETCHING, KEYED, SIGNED
from cij.service.providers.as_it_came import Report

_PLAIN_BYTES_MAX = 500_000
_CALLBACK_BYTES_MAX = 200_000
_UPLOAD_BYTES_MAX = 10_000_000
# What the place in the inbox says, and nobody else.
_PLACE = ("file", "line")
_DISK_RETRY_S = 5


def routes() -> list[Route]:
    """Return the routes of all doors for events."""
    calls = [
        Route(f"/v1/{kind}", _segment_call, methods=["POST"], name=kind)
        for kind in segment_calls.CALLS
    ]
    return [
        *calls,
        Route("/v1/batch", _segment_batch, methods=["POST"]),
        Route("/v1/import", _segment_batch, methods=["POST"]),
        Route("/v1/events/{name}", _plain, methods=["POST"]),
        Route("/v1/cloudevents", _cloud_events, methods=["POST"]),
        Route("/v1/upload", _upload, methods=["POST"]),
        Route("/v1/callbacks/{provider}", _callback, methods=["POST"]),
    ]


async def keep(
    house: House, rows: Sequence[Row], door: str, log: IntakeLog | HeldClicks | None = None
) -> None:
    """Return when all rows are on the disk. Raises: Problem where they cannot be written."""
    if not rows:
        return
    try:
        await asyncio.wrap_future((log or house.log).append(lines_of(rows)))
    except Exception as error:
        house.note_disk(error)
        text = "events cannot be written to the disk; none of this request was taken"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, text, retry_after_s=_DISK_RETRY_S) from error
    house.note_disk(None)
    house.measures.events.labels(door).inc(len(rows))


def _naming(house: House) -> Naming:
    return naming_of(house.program(), house.settings.user_ids)


# --- plain ------------------------------------------------------------------------------------


async def _plain(request: Request) -> Response:
    """`POST /v1/events/NAME`: one event, or a list of them."""
    house = house_of(request)
    key = house.access.require(request, "write")
    naming, name = _naming(house), request.path_params["name"]
    event = naming.events.get(name)
    if event is None:
        hint = did_you_mean(name, naming.events)
        text = f"there is no event `{name[:100]}`" + (f"; {hint}" if hint else "")
        raise Problem(HTTPStatus.NOT_FOUND, text)
    found = json_of(await read_body(request, _PLAIN_BYTES_MAX))
    given = found if isinstance(found, list) else [found]
    if not given or not all(isinstance(one, dict) for one in given):
        raise Problem(HTTPStatus.BAD_REQUEST, "an event is a JSON object, or a list of them")
    house.access.count(key, len(given))
    said = request.headers.get("idempotency-key")
    rows = [_plain_row(one, name, said, n) for n, one in enumerate(given)]
    await keep(house, rows, "plain")
    return JSONResponse({"accepted": len(rows), "ids": [row["id"] for row in rows]})


def _plain_row(one: Mapping[str, Any], name: str, said: str | None, number: int) -> Row:
    row = {k: v for k, v in one.items() if k not in _PLACE}
    id = row.get("id")
    if id in (None, ""):
        id = f"{said} {number}" if said else new_id()
    return {**row, "event": name, "id": str(id)}


async def _upload(request: Request) -> Response:
    """`POST /v1/upload`: lines of JSON, as `cij event --file` reads them."""
    house = house_of(request)
    key = house.access.require(request, "write")
    data = await read_body(request, _UPLOAD_BYTES_MAX)
    # The same file again has the same ids, so a client can repeat what was not answered.
    mark = hashlib.sha256(data).hexdigest()[:24]
    texts = data.decode("utf-8", "replace").split("\n")
    rows = [_uploaded(text, f"{mark}-{n}") for n, text in enumerate(texts, 1) if text.strip()]
    house.access.count(key, len(rows))
    await keep(house, rows, "upload")
    return JSONResponse({"accepted": len(rows)})


def _uploaded(text: str, id: str) -> Row:
    try:
        found = read_json(text, is_exact=True)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return {"event": None, "id": id, "raw": text}
    row = {k: v for k, v in found.items() if k not in _PLACE}
    # With the name of an event, even if it is none, a line cannot be an order.
    return {"event": None, "id": id, **row}


async def _cloud_events(request: Request) -> Response:
    house = house_of(request)
    key = house.access.require(request, "write")
    body = await read_body(request, _PLAIN_BYTES_MAX)
    kind = request.headers.get("content-type", "")
    rows = cloud_events.rows_of(kind, request.headers, body, _naming(house))
    house.access.count(key, len(rows))
    await keep(house, rows, "cloudevents")
    return JSONResponse({"accepted": len(rows)})


# --- providers --------------------------------------------------------------------------------


async def _callback(request: Request) -> Response:
    """`POST /v1/callbacks/PROVIDER`: what became of a message, in the words of the provider."""
    house, name = house_of(request), request.path_params["provider"]
    if name not in house.settings.callbacks.providers:
        raise Problem(
            HTTPStatus.NOT_FOUND, "cij.toml names no such provider in [service.callbacks]"
        )
    if name in KEYED:
        house.access.count(house.access.require(request, "write"), 1)
    else:
        house.access.count_visit(request)
    body = await read_body(request, _CALLBACK_BYTES_MAX)
    secret = house.secrets.get(name, "")
    report = Report(body, request.headers, _called(request), secret, house.fetch)
    read = {**SIGNED, **KEYED}[name]
    # Other requests go on while one waits for something outside.
    rows = await asyncio.to_thread(read, report) if name in FETCHING else read(report)
    await keep(house, rows, name)
    return JSONResponse({"accepted": len(rows)})


def _called(request: Request) -> str:
    """Return the address that was called, as it is known outside: a proxy may have changed it."""
    query = request.scope["query_string"].decode("latin-1")
    root = house_of(request).settings.url or str(request.base_url).rstrip("/")
    return f"{root}{request.scope['path']}{'?' if query else ''}{query}"


# --- Segment ----------------------------------------------------------------------------------


async def _segment_call(request: Request) -> Response:
    kind = request.scope["path"].rpartition("/")[2]
    return await _segment(request, kind, segment_calls.CALL_BYTES_MAX)


async def _segment_batch(request: Request) -> Response:
    return await _segment(request, None, segment_calls.BATCH_BYTES_MAX)


async def _segment(request: Request, kind: str | None, limit: int) -> Response:
    try:
        return await _segment_answer(request, kind, limit)
    except Problem as problem:
        if problem.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            # Segment says so, and its clients act on it.
            problem.status = HTTPStatus.BAD_REQUEST
        return as_answer(problem, {"success": False, "message": problem.text})


async def _segment_answer(request: Request, kind: str | None, limit: int) -> Response:
    house, arrived = house_of(request), house_of(request).now()
    found = json_of(await read_body(request, limit))
    if not isinstance(found, dict):
        raise Problem(HTTPStatus.BAD_REQUEST, "malformed JSON")
    key = house.access.require(request, "write", found.get("writeKey"))
    calls = [found] if kind is not None else _calls(found)
    house.access.count(key, len(calls))
    batch = segment_calls.batch_of(found, _naming(house), arrived)
    rows = [row for call in calls for row in batch.rows(call, kind or call.get("type"))]
    await keep(house, rows, "segment")
    house.measures.left_out.inc(batch.left_out)
    return JSONResponse({"success": True})


def _calls(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    calls = found.get("batch")
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise Problem(HTTPStatus.BAD_REQUEST, "`batch` is not a list of calls")
    for call in calls:
        if len(lines_of([{"event": None, **call}])) > segment_calls.CALL_BYTES_MAX + 20:
            text = f"a call is larger than {segment_calls.CALL_BYTES_MAX:,} bytes"
            raise Problem(HTTPStatus.BAD_REQUEST, text)
    return calls
