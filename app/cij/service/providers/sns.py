"""Amazon SNS, which hands over what SES reports: signed by RSA, with a certificate that is at an address of AWS.

Anybody with an account there can have SNS sign something. So only what is of the topic in cij.toml counts.
"""

import base64
import binascii
import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cij.service.problems import Problem
from cij.service.providers.as_it_came import Report
from cij.service.providers.fetching import Fetch

_log = logging.getLogger("cij.service")
_FILE = re.compile(r"/SimpleNotificationService-[0-9a-f]{20,64}\.pem")
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_OF_SUBSCRIPTION = (
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
)
# Kind of a message -> what is signed of it, in this order.
_SIGNED = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _OF_SUBSCRIPTION,
    "UnsubscribeConfirmation": _OF_SUBSCRIPTION,
}
_RETRY_S = 20


def notification(report: Report) -> Mapping[str, Any] | None:
    """Return a notification; None for a message about the subscription itself, which is confirmed.

    Raises: Problem for a wrong signature or topic.
    """
    found = report.table()
    if found.get("TopicArn") != report.secret or found.get("Type") not in _SIGNED:
        raise Problem(HTTPStatus.FORBIDDEN, "it is not of the topic in cij.toml")
    _require_signed(found, report.fetch)
    if found["Type"] == "Notification":
        return found
    if found["Type"] == "SubscriptionConfirmation":
        _confirm(found, report.fetch)
    else:
        _log.warning("SNS has ended the subscription: no more reports of SES come")
    return None


def _require_signed(found: Mapping[str, Any], fetch: Fetch) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    # Version 1 has SHA-1, which is what a topic begins with.
    made_by = {"1": hashes.SHA1(), "2": hashes.SHA256()}.get(str(found.get("SignatureVersion")))
    try:
        signature = base64.b64decode(str(found.get("Signature")), validate=True)
    except (binascii.Error, ValueError):
        signature, made_by = b"", None
    if made_by is None:
        raise Problem(HTTPStatus.FORBIDDEN, "the signature is wrong")
    key = _key(_checked(found, "SigningCertURL"), fetch)
    try:
        key.verify(signature, _said(found), PKCS1v15(), made_by)
    except InvalidSignature:
        raise Problem(HTTPStatus.FORBIDDEN, "the signature is wrong") from None


def _said(found: Mapping[str, Any]) -> bytes:
    lines = (
        f"{name}\n{found[name]}\n"
        for name in _SIGNED[found["Type"]]
        if isinstance(found.get(name), str)
    )
    return "".join(lines).encode("utf-8", "replace")


def _checked(found: Mapping[str, Any], name: str) -> str:
    """Return an address of a message, if it is one of SNS in the region of the topic. Raises: Problem."""
    url = str(found.get(name))
    _, partition, _, region, *_ = str(found["TopicArn"]).split(":")
    end = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    # A bucket of anybody is at an address of AWS, too. This host is that of SNS alone.
    is_of_sns = parts.scheme == "https" and parts.netloc == f"sns.{region}.{end}"
    is_right = _FILE.fullmatch(parts.path) and not parts.query if name == "SigningCertURL" else True
    if not (is_of_sns and is_right and url.isascii() and url.isprintable()):
        raise Problem(HTTPStatus.FORBIDDEN, f"`{name}` is no address of SNS")
    return url


@lru_cache(maxsize=16)
def _key(url: str, fetch: Fetch) -> Any:
    """Return the key of the certificate at a checked address. Raises: Problem."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_pem_x509_certificate

    try:
        found = load_pem_x509_certificate(_got(url, fetch)).public_key()
    except ValueError:
        found = None
    if not isinstance(found, RSAPublicKey):
        raise Problem(HTTPStatus.FORBIDDEN, "there is no certificate of SNS")
    return found


def _confirm(found: Mapping[str, Any], fetch: Fetch) -> None:
    """Agree to what SNS asks: that it may send the messages of the topic here."""
    url = _checked(found, "SubscribeURL")
    asked = parse_qs(urlsplit(url).query)
    if (asked.get("Action"), asked.get("TopicArn")) != (
        ["ConfirmSubscription"],
        [found["TopicArn"]],
    ):
        raise Problem(HTTPStatus.FORBIDDEN, "`SubscribeURL` does not confirm the subscription")
    _got(url, fetch)
    _log.info("the subscription of SNS is confirmed: reports of SES come from now on")


def _got(url: str, fetch: Fetch) -> bytes:
    try:
        return fetch(url)
    except OSError as error:
        # SNS tries again after this answer.
        text = "SNS cannot be reached"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, text, retry_after_s=_RETRY_S) from error
