"""The placeholders of a template for an HTTP API in `cij.toml`. Apart from the transport, for the settings."""

import re

PLACEHOLDER = re.compile(r"\{(\w+)\}")
# What a text of `headers` may have: these are the same for everybody, or have no odd characters.
IN_HEADERS = ("key", "key_base64", "id")
# What a text of `body` may have besides: of each message, and of a mail alone.
OF_MESSAGE = ("to", "text", "customer")
OF_MAIL = ("from", "subject", "html", "reply_to", "unsubscribe", "language")
