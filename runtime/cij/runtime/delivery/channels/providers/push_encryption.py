"""The encryption of push messages for browsers (RFC 8291): `aes128gcm` with a key that only the browser can derive."""

import os
import struct
from dataclasses import dataclass
from typing import Any

from cij.runtime.delivery.channels.providers.web_token import NEEDS
from cij.runtime.errors import ConfigError

_RECORD_BYTES = 4096
# Of a record: the tag of the cipher, and one byte that ends the last record.
_OVERHEAD = 17
_HEAD_BYTES = 86
# What a push service has to take (RFC 8030, 7.2) less what encryption adds.
PLAIN_BYTES_MAX = _RECORD_BYTES - _OVERHEAD - _HEAD_BYTES


@dataclass(frozen=True, slots=True)
class Browser:
    """What a subscription says of its browser: a point of P-256, and a secret of 16 bytes."""

    point: bytes
    secret: bytes


def encrypted(plain: bytes, browser: Browser, own: Any = None, salt: bytes | None = None) -> bytes:
    """Return the body of a message. `own` and `salt` are drawn anew for each, but where a test names them.

    Raises: ValueError for a point that is none.
    """
    try:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    except ImportError as error:
        raise ConfigError(NEEDS) from error
    own = own or ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(16)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), browser.point)
    ours = point_of(own)

    def derived(key: bytes, salt: bytes, info: bytes, size: int) -> bytes:
        return HKDF(hashes.SHA256(), size, salt, info).derive(key)

    info = b"WebPush: info\0" + browser.point + ours
    shared = derived(own.exchange(ec.ECDH(), theirs), browser.secret, info, 32)
    key = derived(shared, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = derived(shared, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + struct.pack("!IB", _RECORD_BYTES, len(ours)) + ours
    return head + AESGCM(key).encrypt(nonce, plain + b"\2", None)


def point_of(own: Any) -> bytes:
    """Return the public point of a private key, without compression."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    found: bytes = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return found


def private_key(text: str) -> tuple[Any, str]:
    """Return a key of P-256 and its PEM. `text` is PEM, or 32 bytes in Base64 as tools for VAPID print it.

    Raises: ConfigError.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
            load_pem_private_key,
        )
    except ImportError as error:
        raise ConfigError(NEEDS) from error
    try:
        found = (
            load_pem_private_key(text.encode(), None)
            if "-----" in text
            else ec.derive_private_key(int.from_bytes(unpacked(text, 32)), ec.SECP256R1())
        )
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, ec.EllipticCurvePrivateKey) or found.curve.name != "secp256r1":
        raise ConfigError("the variable with the key holds no private key of VAPID (P-256)")
    pem = found.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return found, pem.decode()


def unpacked(text: str, size: int) -> bytes:
    """Return bytes from Base64 for addresses. Raises: ValueError where they are not so many."""
    from base64 import urlsafe_b64decode

    found = urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    if len(found) != size:
        raise ValueError(f"it has {len(found)} bytes and not {size}")
    return found
