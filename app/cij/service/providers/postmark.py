"""Reports of Postmark. It signs nothing: the address of the callback holds a key, as Basic."""

from collections.abc import Mapping
from typing import Any

from cij.service.event_rows import Row
from cij.service.providers.as_it_came import Report
from cij.service.providers.reported import row_of, table_of, text_of

# The kind of a report -> the event, the address, the instant.
_KINDS = {
    "Delivery": ("delivered", "Recipient", "DeliveredAt"),
    "Bounce": ("bounced", "Email", "BouncedAt"),
    "SpamComplaint": ("complained", "Email", "BouncedAt"),
    "Open": ("opened", "Recipient", "ReceivedAt"),
    "Click": ("clicked", "Recipient", "ReceivedAt"),
    "SubscriptionChange": ("unsubscribed", "Recipient", "ChangedAt"),
}
# Of an address that does not exist. All others may pass.
_HARD = ("HardBounce", "BadEmailAddress")


def rows_of(given: Report) -> list[Row]:
    """Return the row of a report; none for one that tells nothing about the customer."""
    found = given.table()
    kind = str(found.get("RecordType"))
    if kind not in _KINDS or not _counts(kind, found):
        return []
    event, address, at = _KINDS[kind]
    # Postmark repeats a report that was not answered, word for word.
    id = f"postmark {kind} {found.get('MessageID')} {found.get(at)}"
    reason = text_of(found.get("Details")) or text_of(found.get("Description"))
    link = found.get("OriginalLink")
    fields = {"bounced": {"reason": reason}, "clicked": {"link": link}}.get(event)
    marks = table_of(found.get("Metadata"))
    return [row_of(event, id, found.get(address), marks, text_of(found.get(at)), fields)]


def _counts(kind: str, found: Mapping[str, Any]) -> bool:
    if kind == "Bounce":
        return found.get("Type") in _HARD
    if kind == "SubscriptionChange":
        # After a bounce or a complaint there is a report of its own.
        return found.get("SuppressionReason") == "ManualSuppression" and bool(
            found.get("SuppressSending")
        )
    return True
