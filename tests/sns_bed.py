"""SNS as AWS documents it: a key with its certificate, and messages signed with it."""

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-reports"
HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-{'0a' * 16}.pem"
CONFIRM = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=233641"
_AT = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder(name, name, key().public_key(), 1, _AT, _AT + timedelta(9999))
    return made.sign(key(), hashes.SHA256()).public_bytes(Encoding.PEM)


def signed(message: Any, kind: str = "Notification", version: str = "2", **changes: Any) -> bytes:
    """Return what SNS posts. `changes` are made after it was signed."""
    text = message if isinstance(message, str) else json.dumps(message)
    found = {
        "Type": kind, "MessageId": "22b80b92-fdea", "TopicArn": TOPIC, "Message": text,
        "Timestamp": "2026-03-02T09:00:00.000Z", "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
    }  # fmt: skip
    if kind == "Notification":
        names = ["Message", "MessageId", "Timestamp", "TopicArn", "Type"]
    else:
        found |= {"Token": "233641", "SubscribeURL": CONFIRM}
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    said = "".join(f"{name}\n{found[name]}\n" for name in names).encode()
    made_by = hashes.SHA1() if version == "1" else hashes.SHA256()
    found["Signature"] = base64.b64encode(key().sign(said, padding.PKCS1v15(), made_by)).decode()
    return json.dumps(found | changes).encode()
