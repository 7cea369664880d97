"""Signature Version 4 of AWS: the header that proves who calls, for calls without a query."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Signer:
    """An access key, and the service of a region for which its signatures are valid."""

    access_key: str
    secret: str = field(repr=False)
    region: str
    service: str

    def authorization(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes, at: datetime
    ) -> str:
        """Return the value of `Authorization`. It covers all `headers`, among them `host` and `x-amz-date`.

        `at` is the instant in `x-amz-date`, in UTC.
        """
        lines = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
        names = ";".join(sorted(lines))
        head = "".join(f"{name}:{lines[name]}\n" for name in sorted(lines))
        request = f"{method}\n{path}\n\n{head}\n{names}\n{hashlib.sha256(content).hexdigest()}"
        scope = f"{at:%Y%m%d}/{self.region}/{self.service}/aws4_request"
        hashed = hashlib.sha256(request.encode()).hexdigest()
        said = f"{_ALGORITHM}\n{stamp(at)}\n{scope}\n{hashed}"
        signature = hmac.new(self._key(at), said.encode(), hashlib.sha256).hexdigest()
        who = f"Credential={self.access_key}/{scope}"
        return f"{_ALGORITHM} {who}, SignedHeaders={names}, Signature={signature}"

    def _key(self, at: datetime) -> bytes:
        key = f"AWS4{self.secret}".encode()
        for part in (f"{at:%Y%m%d}", self.region, self.service, "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key


def stamp(at: datetime) -> str:
    """Return an instant in UTC as `x-amz-date` has it."""
    return f"{at:%Y%m%dT%H%M%SZ}"
