"""Email over SMTP: several connections at once, each message handed over exactly once or told so."""

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiosmtplib

from cij.runtime.delivery.channels.smtp_settings import SmtpSettings
from cij.runtime.delivery.channels.transport import Outcome, Prepared, outcome_of
from cij.runtime.delivery.handover import Handover
from cij.runtime.errors import DeliveryError, PermanentDelivery, TransientDelivery

_SERVICE_CLOSING = 421
# An enhanced status code about the address of the recipient (RFC 3463): as a hard bounce. Codes 5.1.7
# and 5.1.8 are about that of the sender. Other refusals, as by a filter, may pass.
_NO_SUCH_ADDRESS = re.compile(r"5\.1\.(?![78]\b)[0-9]{1,3}\b")


@dataclass
class _Run:
    """One batch under way. `stopped` ends it for every line, `lost` is why a line gave up."""

    waiting: deque[Prepared]
    handover: Handover | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    stopped: DeliveryError | None = None
    lost: DeliveryError | None = None

    async def take(self, one: Prepared) -> None:
        """Note that a connection takes the message: from here on a crash leaves it uncertain."""
        if self.handover is not None:
            await self.handover.take(one.key)

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome, also for the case that the run does not live to settle it."""
        self.outcomes.append(outcome)
        if self.handover is not None and outcome.status != "unsent":
            self.handover.hear(outcome)

    def finished(self) -> list[Outcome]:
        why = self.stopped or self.lost or DeliveryError("not sent")
        reason = outcome_of("", why).reason
        return self.outcomes + [Outcome(one.key, "unsent", reason) for one in self.waiting]


class SmtpTransport:
    """Not idempotent: a server that gets a message twice delivers it twice."""

    is_idempotent = False

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self.handover = Handover(settings.handover) if settings.handover is not None else None

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        """Send the messages. When the server fails, the rest comes back as `unsent`."""
        return asyncio.run(self._deliver(batch)) if batch else []

    def close(self) -> None:
        """Connections last for one batch only."""
        if self.handover is not None:
            self.handover.close()

    async def _deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        run = _Run(deque(batch), self.handover)
        count = max(1, min(self._settings.connections, len(batch)))
        lines = [_Line(self._settings) for _ in range(count)]
        # The first goes alone: a server that is down is asked once and not once a connection.
        try:
            await lines[0].connect()
        except DeliveryError as error:
            run.stopped = error
            return run.finished()
        await asyncio.gather(*(line.work(run) for line in lines))
        return run.finished()


class _Line:
    """One connection at a time to the server."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._client = _client(settings)
        self._served = 0

    async def work(self, run: _Run) -> None:
        """Send what waits until nothing does or the run is stopped."""
        try:
            while run.waiting and run.stopped is None:
                if not self._client.is_connected:
                    await self.connect()
                if run.waiting:
                    await self._handle(run.waiting.popleft(), run)
        except DeliveryError as error:
            # Many servers bound the number of connections: the other lines go on.
            run.lost = error
        finally:
            await self._quit()

    async def connect(self) -> None:
        """Connect, with TLS and login. Raises DeliveryError."""
        self._client.close()
        self._client = _client(self._settings)
        self._served = 0
        try:
            await self._client.connect()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            # A server that is spoken to but does not do (no TLS, no login) leaves it open.
            self._client.close()
            raise self._down(error) from error

    async def _handle(self, one: Prepared, run: _Run) -> None:
        try:
            answer = await self._send(one, run)
        except DeliveryError as error:
            outcome = outcome_of(one.key, error)
            run.add(outcome)
            if outcome.status in ("unsent", "uncertain"):
                run.stopped = run.stopped or error
            return
        self._served += 1
        run.add(Outcome(one.key, "delivered", provider_id=answer))

    async def _send(self, one: Prepared, run: _Run) -> str:
        try:
            await self._envelope(one)
        except _Closed as closed:
            # Servers close a connection after some messages or seconds: nothing is lost by it.
            if not self._served:
                raise self._down(closed.cause) from closed
            await self.connect()
            await self._envelope_once(one)
        await run.take(one)
        return await self._content(one)

    async def _envelope_once(self, one: Prepared) -> None:
        try:
            await self._envelope(one)
        except _Closed as closed:
            raise self._down(closed.cause) from closed

    async def _envelope(self, one: Prepared) -> None:
        try:
            await self._client.mail(one.sender, encoding="ascii")
            await self._client.rcpt(one.address, encoding="ascii")
        except aiosmtplib.SMTPServerDisconnected as error:
            raise _Closed(error) from error
        except aiosmtplib.SMTPResponseException as error:
            if error.code == _SERVICE_CLOSING:
                raise _Closed(error) from error
            await self._reset()
            raise self._refused(one, error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._down(error) from error

    async def _content(self, one: Prepared) -> str:
        try:
            return (await self._client.data(one.content)).message
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            if isinstance(error, aiosmtplib.SMTPResponseException) and 400 <= error.code < 600:
                await self._reset()
                raise self._refused(one, error) from error
            # It had the message and did not say what it did with it. What it says next would be
            # taken for the answer to something else, so this connection is over.
            self._client.close()
            message = f"{self._place} did not confirm the message: {_why(error)}"
            raise TransientDelivery(message, may_have_arrived=True) from error

    def _refused(self, one: Prepared, error: aiosmtplib.SMTPResponseException) -> DeliveryError:
        answer = f"{error.code} {' '.join(error.message.split())}"
        if error.code < 500:
            return TransientDelivery(f"{self._place} asks to try later: {answer}")
        if isinstance(error, aiosmtplib.SMTPSenderRefused):
            # This would fail every message, so it is no fault of this one.
            return DeliveryError(f"{self._place} refuses the sender {one.sender}: {answer}")
        is_bounce = bool(_NO_SUCH_ADDRESS.match(error.message.strip()))
        return PermanentDelivery(f"{self._place} refuses it: {answer}", is_bounce=is_bounce)

    def _down(self, error: BaseException) -> DeliveryError:
        return DeliveryError(f"the mail server {self._place} failed: {_why(error)}")

    @property
    def _place(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    async def _reset(self) -> None:
        try:
            await self._client.rset()
        except (aiosmtplib.SMTPException, OSError):
            self._client.close()

    async def _quit(self) -> None:
        try:
            if self._client.is_connected:
                await self._client.quit()
        except (aiosmtplib.SMTPException, OSError):
            self._client.close()


class _Closed(Exception):
    """The server closed the connection before it got the message."""

    def __init__(self, cause: aiosmtplib.SMTPException) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _client(settings: SmtpSettings) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        username=settings.username,
        password=settings.password,
        timeout=settings.timeout_s,
        use_tls=settings.security == "implicit",
        start_tls=settings.security == "starttls",
        cert_bundle=settings.ca_file,
        local_hostname=settings.client_name,
    )


def _why(error: BaseException) -> str:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"it does not accept the user name or password ({error.code})"
    if isinstance(error.__cause__, ssl.SSLError) or isinstance(error, ssl.SSLError):
        return f"no secure connection: {error.__cause__ or error}"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {' '.join(error.message.split())}"
    return (str(error).splitlines() or [type(error).__name__])[0] or type(error).__name__
