"""The local API: questions and orders of other commands, answered by the thread of the run."""

import asyncio
from concurrent.futures import Future
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cij.app.questions import QUESTIONS
from cij.service.bodies import json_of, read_body
from cij.service.house import house_of
from cij.service.problems import Problem

_BYTES_MAX = 1_000_000
_PATIENCE_S = 50.0


def routes() -> list[Route]:
    """Return the route of all questions."""
    return [Route("/api/v1/{question}", _ask, methods=["POST"])]


async def _ask(request: Request) -> Response:
    house, name = house_of(request), request.path_params["question"]
    # Without a key nobody finds out which questions there are.
    key = house.access.require(request, "read")
    question = QUESTIONS.get(name)
    if question is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no question `{name[:100]}`")
    house.access.require(request, question.role)
    house.access.count(key, 1)
    body = await read_body(request, _BYTES_MAX)
    asked = json_of(body) if body else {}
    if not isinstance(asked, dict):
        raise Problem(HTTPStatus.BAD_REQUEST, "the parameters are not a JSON object")
    future = house.calls.ask(
        lambda world, now: question.answer(world, asked, now),
        is_change=question.role != "read",
    )
    return JSONResponse({"answer": await _in_time(future)})


async def _in_time(future: "Future[Any]") -> Any:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await asyncio.wrap_future(future)
    except TimeoutError:
        text = "the run is in a long step and has not answered"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, text, retry_after_s=5) from None
