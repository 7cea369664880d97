"""The application: its routes, what every answer has, and what becomes of errors."""

import logging
import time
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cij.app.request_error import RequestError
from cij.runtime.calls import TooBusy
from cij.runtime.errors import WorldError
from cij.service import asking, consent_pages, receiving, tracking
from cij.service.house import House, house_of
from cij.service.problems import Problem, as_answer

_log = logging.getLogger("cij.service")
_access_log = logging.getLogger("cij.access")

# An answer may hold personal data, so nobody keeps it. A page of it runs no script and is in no frame.
_HEADERS = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; style-src 'unsafe-inline'; "
    b"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}


def application(house: House) -> Starlette:
    """Return the application of a house."""
    app = Starlette(
        routes=[
            Route("/healthz", _health, methods=["GET"]),
            Route("/readyz", _readiness, methods=["GET"]),
            Route("/metrics", _metrics, methods=["GET"]),
            *receiving.routes(),
            *asking.routes(),
            *consent_pages.routes(),
            *tracking.routes(),
        ],
        middleware=[Middleware(Around, house=house)],
        exception_handlers={
            Problem: _on_problem,
            consent_pages.Gone: consent_pages.on_gone,
            WorldError: _on_world,
            HTTPException: _on_http,
        },
    )
    app.state.house = house
    return app


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _readiness(request: Request) -> Response:
    why = house_of(request).why_not_ready
    content = {"status": "ok"} if why is None else {"status": "not ready", "reason": why}
    return JSONResponse(content, 200 if why is None else 503)


async def _metrics(request: Request) -> Response:
    house = house_of(request)
    house.access.require(request, "read")
    kind = "text/plain; version=0.0.4; charset=utf-8"
    return PlainTextResponse(house.measures.text(), media_type=kind)


# --- errors -----------------------------------------------------------------------------------


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return as_answer(error)


async def _on_world(request: Request, error: Exception) -> Response:
    """Return what a request meets that does not fit, or a store that does not answer."""
    assert isinstance(error, WorldError)
    is_mistake = isinstance(error, RequestError)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if is_mistake else HTTPStatus.SERVICE_UNAVAILABLE
    retry = 1 if isinstance(error, TooBusy) else None
    return as_answer(Problem(status, str(error), retry_after_s=retry, exit=error.exit_name))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    answer = as_answer(Problem(status, status.phrase.lower()))
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


def _on_bug(error: Exception) -> Response:
    # Not its text, which may hold what the request said, and no trace, which may hold values.
    _log.error("a request failed: %s in %s", type(error).__name__, _place(error))
    return as_answer(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "this is a bug in cij"))


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace else "nowhere"


# --- around every request ---------------------------------------------------------------------


class Around:
    """Adds headers to each answer, counts and logs it: its route and not its path, which may hold who."""

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app, self._house = app, house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, is_begun = time.monotonic(), [500], [False]

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0], is_begun[0] = message["status"], True
                message["headers"] = [*_with_headers(message)]
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except Exception as error:  # noqa: BLE001 - it is of this request, and ends nothing else (S28)
            answer = _on_bug(error)
            if not is_begun[0]:
                await answer(scope, receive, send_on)
        finally:
            self._note(scope, status[0], time.monotonic() - began)

    def _note(self, scope: MutableMapping[str, Any], status: int, took_s: float) -> None:
        route, method = _route(scope), str(scope["method"])
        measures = self._house.measures
        measures.requests.labels(route, _known(method), status).inc()
        measures.request_s.labels(route).observe(took_s)
        _access_log.info(
            "%s %s %s",
            _known(method),
            route,
            status,
            extra={"route": route, "status": status, "ms": round(took_s * 1000, 1)},
        )


def _with_headers(message: Message) -> list[tuple[bytes, bytes]]:
    headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
    there = {name.lower() for name, _ in headers}
    return headers + [(name, value) for name, value in _HEADERS.items() if name not in there]


def _route(scope: MutableMapping[str, Any]) -> str:
    route = scope.get("route")
    return route.path if isinstance(route, Route) else "unknown"


def _known(method: str) -> str:
    # A name in the metrics must not be one that a client made up.
    return method if method in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE") else "other"
