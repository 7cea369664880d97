"""The outcomes of a row of the outbox: a closed list, stored as an enum."""

# A new outcome needs a new version of the store, because an older cij cannot read it.
OUTCOMES = (
    *("queued", "sending", "delivered", "failed", "uncertain", "cancelled"),
    *("withheld", "expired", "no_consent", "suppressed", "no_address", "capped"),
)
# The type in DuckDB's spelling, so that it can be compared with `columns_of`.
OUTCOME = "ENUM({})".format(", ".join(f"'{outcome}'" for outcome in OUTCOMES))
