"""Messages by the HTTP API of a provider: several calls at once, each message handed over once or told so.

The providers with a module of their own offer no key by which they know a message that comes twice. So a
message whose call broke off is `uncertain` and is not sent again by itself, as with a mail server. An API
that is declared by a template may know such a key; then the message is tried again.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

import httpx

from cij.runtime.delivery.channels.api_settings import ApiSettings
from cij.runtime.delivery.channels.gradual_batch import Batch
from cij.runtime.delivery.channels.gradual_run import GradualRun
from cij.runtime.delivery.channels.providers import PROVIDERS
from cij.runtime.delivery.channels.providers.api_call import Answer, Call
from cij.runtime.delivery.channels.sign_in import Token, token_of
from cij.runtime.delivery.channels.transport import Outcome, Prepared, outcome_of
from cij.runtime.delivery.handover import Handover
from cij.runtime.errors import DeliveryError, PermanentDelivery, TransientDelivery, reason_of
from cij.runtime.outside_json import read_json

_ANSWER_BYTES_MAX = 65_536
# It says that it took nothing, and to come again.
_SLOW_DOWN, _NOT_NOW = 429, 503
_NOT_KNOWN = 401

# It would log each call with its whole URL, which may hold the id of an account.
logging.getLogger("httpx").setLevel(logging.WARNING)


class ApiTransport:
    """A provider that gets a message twice delivers it twice, unless the settings say otherwise."""

    def __init__(self, settings: ApiSettings) -> None:
        self.is_idempotent = settings.is_idempotent
        self._settings = self._open = settings
        self._provider = PROVIDERS[settings.provider]
        self._root = (settings.url or self._provider.address(settings)).rstrip("/")
        self.handover = Handover(settings.handover) if settings.handover is not None else None
        self._provider.check(settings)
        self._token = Token()
        # Until one is delivered, only one at a time may become uncertain.
        self._is_in_doubt = False

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        """Send the messages. When the provider fails, the rest comes back as `unsent`."""
        return asyncio.run(self._deliver(Batch.of(batch))) if batch else []

    def close(self) -> None:
        """Connections last for one batch only."""
        if self.handover is not None:
            self.handover.close()

    async def _deliver(self, batch: Batch) -> list[Outcome]:
        run = GradualRun(batch, self.handover)
        async with self._client() as client:
            if not await self._signed_in(client, run):
                return run.finished()
            # The first goes alone: a provider that is down is asked once and not once a connection.
            is_good = await self._next(client, run)
            most = 1 if self._is_in_doubt else self._settings.connections
            lines = min(most, batch.waiting) if is_good else 0
            await asyncio.gather(*(self._work(client, run) for _ in range(lines)))
        is_in_doubt = any(one.status == "uncertain" for one in run.outcomes)
        self._is_in_doubt = not run.has_delivered and (is_in_doubt or self._is_in_doubt)
        return run.finished()

    async def _signed_in(self, client: httpx.AsyncClient, run: GradualRun) -> bool:
        """Get a token where the provider wants one. Tell whether messages can go."""
        sign_in = self._provider.sign_in
        if sign_in is None:
            return True
        try:
            if not self._token.is_good:
                answer = await self._answered(client, sign_in(self._settings))
                self._token = token_of(answer, self._place)
        except DeliveryError as error:
            # Nothing of a message has left, whatever went wrong.
            run.stopped = DeliveryError(str(error))
            return False
        self._open = replace(self._settings, key=self._token.text)
        return True

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            timeout=self._settings.timeout_s,
            limits=httpx.Limits(max_connections=self._settings.connections),
            # What is sent to one host, with its key, goes to no other.
            follow_redirects=False,
            http1=not self._provider.is_http2,
            http2=self._provider.is_http2,
            # A proxy of the environment is no way to this very machine.
            trust_env=not self._settings.is_loopback,
        )

    async def _work(self, client: httpx.AsyncClient, run: GradualRun) -> None:
        is_good = True
        while is_good and run.batch.waiting and run.stopped is None:
            is_good = await self._next(client, run)

    async def _next(self, client: httpx.AsyncClient, run: GradualRun) -> bool:
        """Send the next message, and tell whether this connection may go on."""
        one = run.batch.next()
        if one is None:
            return False
        try:
            outcome = await self._sent(client, run, one)
        except DeliveryError as error:
            outcome = outcome_of(one.key, error)
            if outcome.status == "unsent":
                run.stopped = run.stopped or error
            elif outcome.status == "uncertain":
                run.lost = error
        run.add(outcome)
        return outcome.status not in ("unsent", "uncertain")

    async def _sent(self, client: httpx.AsyncClient, run: GradualRun, one: Prepared) -> Outcome:
        call = self._call(one)
        await run.take(one)
        answer = await self._answered(client, call)
        id = self._provider.id_of(answer, self._settings)
        if id is not None:
            return Outcome(one.key, "delivered", provider_id=id or None)
        raise self._refused(one, answer)

    def _call(self, one: Prepared) -> Call:
        try:
            return self._provider.call(one, self._open)
        except DeliveryError:
            raise
        except Exception as error:
            # Whatever it is, it is of this message (S28).
            raise PermanentDelivery(f"it cannot be written: {reason_of(error)}") from error

    async def _answered(self, client: httpx.AsyncClient, call: Call) -> Answer:
        try:
            # Each step has its own limit; this one is for an answer that drips.
            async with asyncio.timeout(self._settings.timeout_s * 3):
                return await self._exchange(client, call)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise DeliveryError(f"cannot reach {self._place}: {_why(error)}") from error
        except (httpx.TimeoutException, TimeoutError) as error:
            raise self._in_doubt("did not answer in time") from error
        except httpx.HTTPError as error:
            raise self._in_doubt(f"did not confirm the message: {_why(error)}") from error

    def _in_doubt(self, what: str) -> DeliveryError:
        may_have_arrived = not self.is_idempotent
        return TransientDelivery(f"{self._place} {what}", may_have_arrived=may_have_arrived)

    async def _exchange(self, client: httpx.AsyncClient, call: Call) -> Answer:
        headers = {"user-agent": "cij", "accept-encoding": "identity", **call.headers}
        url = call.url or f"{self._root}{call.path}"
        async with client.stream("POST", url, content=call.content, headers=headers) as response:
            body = b""
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _ANSWER_BYTES_MAX:
                    body = b""
                    break
            return Answer(response.status_code, dict(response.headers), _object(body))

    def _refused(self, one: Prepared, answer: Answer) -> DeliveryError:
        """Return what an answer means that does not take the message."""
        status, what = answer.status, f"{self._place} answered {answer.status}"
        if status in (_SLOW_DOWN, _NOT_NOW):
            # It took nothing, and would take no other message either.
            return DeliveryError(f"{what} and takes nothing for now")
        if 300 <= status < 400:
            return DeliveryError(f"{what}: redirects are not followed")
        if status == _NOT_KNOWN:
            # The next batch asks for a new one.
            self._token = Token()
        least = 200 if self._provider.refuses_with_success else 400
        found = self._provider.refusal(one, answer) if least <= status < 500 else None
        if found is None and 400 <= status < 500:
            return PermanentDelivery(what, code=str(status))
        # An answer of 5xx, or one of success that does not say so, leaves open whether it has the message.
        return found or self._in_doubt(f"answered {status}, which leaves open whether it took it")

    @property
    def _place(self) -> str:
        return self._provider.called(self._settings)


def _object(body: bytes) -> dict[str, object]:
    try:
        found = read_json(body) if body else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _why(error: Exception) -> str:
    # Not the text of a protocol error, which may quote what was answered.
    if isinstance(error, httpx.RemoteProtocolError):
        return "the connection broke off"
    return (str(error).splitlines() or [""])[0] or type(error).__name__
