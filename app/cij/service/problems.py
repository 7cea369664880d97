"""What a request gets that is not carried out: a status and one sentence, as a value."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse


class Problem(Exception):
    """A request that is not carried out. `retry_after_s` says when to try again."""

    def __init__(
        self, status: HTTPStatus, text: str, *, retry_after_s: int | None = None, exit: str = ""
    ) -> None:
        super().__init__(text)
        self.status, self.text = status, text
        self.retry_after_s, self.exit = retry_after_s, exit


def as_answer(problem: Problem, more: Mapping[str, Any] | None = None) -> JSONResponse:
    """Return a problem as JSON. `more` are names that a protocol wants beside `error`."""
    content = {"error": problem.text, **(more or {})}
    if problem.exit:
        content["exit"] = problem.exit
    headers = {}
    if problem.retry_after_s is not None:
        headers["retry-after"] = str(problem.retry_after_s)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Basic realm="cij", Bearer realm="cij"'
    return JSONResponse(content, int(problem.status), headers)
