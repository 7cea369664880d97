"""The outcomes of a message or a call: a closed list, which the store holds as an enum."""

# A new outcome needs a new version of the store, because an older cij cannot read it.
OUTCOMES = (
    *("queued", "sending", "delivered", "failed", "uncertain", "cancelled"),
    *("withheld", "expired", "no_consent", "suppressed", "no_address", "capped"),
)
