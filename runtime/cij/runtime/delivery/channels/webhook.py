"""Actions as signed webhooks, by Standard Webhooks: many at a time, each with its own key.

The same action has the same `webhook-id` and `Idempotency-Key` at every attempt, so a receiver that
receives it twice can tell. Redirects are not followed: what is sent to one host goes to no other.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any

import httpx
from standardwebhooks import Webhook

from cij.runtime.delivery.channels.gradual_batch import Batch
from cij.runtime.delivery.channels.transport import Outcome, Prepared
from cij.runtime.delivery.channels.webhook_settings import WebhookSettings
from cij.runtime.outside_json import read_json

_ACCEPTED = 202
# Besides 5xx: the receiver asks for time.
_LATER = (408, 425, 429)
_RETRY_AFTER_MAX_S = 86_400.0
_ANSWER_BYTES_MAX = 65_536
# One call that is never answered may be at fault itself. After so many the receiver is.
_UNANSWERED_MAX = 3
_EPOCH = datetime(1970, 1, 1)

# It would log each call with its whole URL, which may hold a secret.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass
class _Run:
    """One batch under way. `down` is why the receiver cannot be reached, which ends it."""

    batch: Batch
    outcomes: list[Outcome] = field(default_factory=list)
    down: str | None = None


class WebhookTransport:
    """Idempotent: a repeated call has the same key, by which the receiver knows it."""

    is_idempotent = True

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._signer = Webhook(settings.secret)
        # How many calls in a row got no answer in time, over all batches.
        self._unanswered = 0

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        """Make the calls. While the receiver cannot be reached the rest waits, untried."""
        return asyncio.run(self._deliver(Batch.of(batch))) if batch else []

    def close(self) -> None:
        """Connections last for one batch only."""

    async def _deliver(self, batch: Batch) -> list[Outcome]:
        run = _Run(batch)
        async with self._client() as client:
            # The first goes alone: a receiver that is down is asked once and not once a line.
            await self._next(client, run)
            lines = min(self._settings.connections, batch.waiting)
            await asyncio.gather(*(self._work(client, run) for _ in range(lines)))
        rest = batch.rest() if run.down is not None else []
        return run.outcomes + [Outcome(one.key, "later", run.down) for one in rest]

    def _client(self) -> httpx.AsyncClient:
        settings = self._settings
        return httpx.AsyncClient(
            timeout=settings.timeout_s,
            limits=httpx.Limits(max_connections=settings.connections),
            follow_redirects=False,
            # A proxy of the environment is no way to this very machine.
            trust_env=not settings.is_loopback,
        )

    async def _work(self, client: httpx.AsyncClient, run: _Run) -> None:
        while run.batch.waiting and run.down is None:
            await self._next(client, run)

    async def _next(self, client: httpx.AsyncClient, run: _Run) -> None:
        one = run.batch.next()
        if one is None:
            return
        outcome = await self._call(client, one)
        run.outcomes.append(outcome)
        run.batch.add(outcome)
        if outcome.status == "later" or self._unanswered >= _UNANSWERED_MAX:
            run.down = outcome.reason

    async def _call(self, client: httpx.AsyncClient, one: Prepared) -> Outcome:
        place = self._settings.place
        try:
            # Each step has its own limit; this one is for an answer that drips.
            async with asyncio.timeout(self._settings.timeout_s * 3):
                outcome = await self._exchange(client, one)
            self._unanswered = 0
            return outcome
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            return Outcome(one.key, "later", f"cannot reach {place}: {_why(error)}")
        except (httpx.TimeoutException, TimeoutError):
            self._unanswered += 1
            return Outcome(one.key, "retry", f"{place} did not answer in time")
        except httpx.HTTPError as error:
            return Outcome(one.key, "retry", f"the connection to {place} broke off: {_why(error)}")

    async def _exchange(self, client: httpx.AsyncClient, one: Prepared) -> Outcome:
        request = client.build_request(
            "POST", self._settings.url, content=one.content, headers=self._headers(one)
        )
        response = await client.send(request, stream=True)
        try:
            return outcome_of_answer(one.key, response, await _start_of(response), self._settings)
        finally:
            await response.aclose()

    def _headers(self, one: Prepared) -> dict[str, str]:
        id, now = webhook_id(one), self._settings.clock.now()
        signature = self._signer.sign(id, now, one.content.decode())
        return {
            "content-type": "application/json",
            "user-agent": "cij",
            # A compressed answer would have to be unpacked before its size is known.
            "accept-encoding": "identity",
            "idempotency-key": id,
            "webhook-id": id,
            "webhook-timestamp": str(_epoch_s(now)),
            "webhook-signature": signature,
        }


def webhook_id(one: Prepared) -> str:
    """Return what tells an action from all others, in this store and in others."""
    return "cij_" + sha256((one.id or one.key).encode()).hexdigest()[:40]


# --- answers ----------------------------------------------------------------------------------


def outcome_of_answer(
    key: str, response: httpx.Response, body: bytes, settings: WebhookSettings
) -> Outcome:
    """Return what an answer means. Its text is not told: it may repeat what is private."""
    code = response.status_code
    answer = f"{settings.place} answered {code} {_phrase(code)}".rstrip()
    if 200 <= code < 300:
        # 202 says that it has the call, and will do it.
        returned = None if code == _ACCEPTED else _returned(body)
        return Outcome(key, "delivered", returned=returned)
    if 300 <= code < 400:
        target = httpx.URL(response.headers.get("location", "")).host or "another address"
        advice = "redirects are not followed, so write the final address into cij.toml"
        return Outcome(key, "later", f"{answer}, to {target}; {advice}")
    if code >= 500 or code in _LATER:
        return Outcome(key, "retry", answer, retry_after_s=_retry_after(response.headers))
    return Outcome(key, "failed", answer, code=str(code))


def _returned(body: bytes) -> Mapping[str, Any]:
    """Return the object that the answer holds; of any other answer, nothing."""
    try:
        found = read_json(body) if body else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after(headers: httpx.Headers) -> float | None:
    """Return the seconds of `Retry-After`; a date in it is measured from the answer's own."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return min(float(text), _RETRY_AFTER_MAX_S)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(wait.total_seconds(), 0.0), _RETRY_AFTER_MAX_S)


async def _start_of(response: httpx.Response) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        # It was asked for none. Unpacking a few bytes may take all memory.
        return b""
    found = b""
    async for chunk in response.aiter_raw():
        found += chunk
        if len(found) > _ANSWER_BYTES_MAX:
            return b""
    return found


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""


def _why(error: Exception) -> str:
    if isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in str(error):
        # The library quotes what it got, and the text of an answer is never kept or printed.
        return "its answer is no HTTP"
    return (str(error).splitlines() or [""])[0] or type(error).__name__


def _epoch_s(now: datetime) -> int:
    return int((now - _EPOCH).total_seconds())
