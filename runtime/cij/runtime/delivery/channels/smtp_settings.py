"""Where a mail server is, and how to talk to it. Apart from its transport, which loads a client."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class SmtpSettings:
    """`security`: TLS after STARTTLS, from the first byte (`implicit`), or none.

    `ca_file` is a certificate authority to trust in place of the system's. `timeout_s` is for
    each answer of the server. `client_name` is how we greet; None asks the system for it. `handover`
    is the file that notes which messages a connection has taken; without one a crash leaves a whole
    batch uncertain.
    """

    host: str
    port: int = 587
    security: Literal["starttls", "implicit", "none"] = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    connections: int = 4
    timeout_s: float = 30.0
    ca_file: str | None = None
    client_name: str | None = None
    handover: Path | None = None
