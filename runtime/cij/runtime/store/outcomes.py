"""What becomes of a row of the outbox: a closed list, kept as an enum."""

# A new one needs a new version of the store: an older cij does not know it.
OUTCOMES = (
    *("queued", "sending", "delivered", "failed", "uncertain", "cancelled"),
    *("withheld", "expired", "no_consent", "suppressed", "no_address", "capped"),
)
# The type as DuckDB writes it.
OUTCOME = "ENUM({})".format(", ".join(f"'{outcome}'" for outcome in OUTCOMES))
