"""What `cij doctor` says of the providers that report: where their reports come in, and what is missing."""

from collections.abc import Iterator
from pathlib import Path

from cij.app.config import Settings
from cij.app.finding import Finding
from cij.app.project_files import FILE_NAME
from cij.runtime.errors import ConfigError


def callback_findings(root: Path, settings: Settings) -> Iterator[Finding]:
    """Yield a finding for each provider that reports. Nobody is asked."""
    service = settings.service
    for provider in service.callbacks.providers:
        what, path = f"reports of {provider}", f"/v1/callbacks/{provider}"
        try:
            service.callbacks.secrets(provider)
        except ConfigError as error:
            yield Finding("fail", what, str(error))
            continue
        if service.url is None:
            text = f"{FILE_NAME}: [service] has no `url`, so {provider} can be given no address"
            yield Finding("warn", what, text)
        else:
            yield Finding("ok", what, f"come to {service.url}{path}")
