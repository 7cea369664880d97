"""Reports of mail providers: one module a provider, and the table of them.

A report becomes an event of the customer: delivered, bounced, complained, opened, clicked, unsubscribed.
Mails carry their key and their customer to the provider, which hands both back
(`runtime/delivery/provider_marks.py`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from cij.service.event_rows import Row
from cij.service.providers import mailgun, postmark

# The body of a request, and the secret of the provider -> rows. Raises Problem for a wrong signature.
ReadReport = Callable[[Mapping[str, Any], str | None], list[Row]]

# Mailgun signs its reports. Postmark sends the key of a role `write` instead.
SIGNED: dict[str, ReadReport] = {"mailgun": mailgun.rows_of}
KEYED: dict[str, ReadReport] = {"postmark": postmark.rows_of}
