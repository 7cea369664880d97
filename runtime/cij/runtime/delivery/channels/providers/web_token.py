"""JSON Web Tokens by which a provider knows who calls, signed with a private key."""

from collections.abc import Mapping
from typing import Any, Literal

from cij.runtime.errors import ConfigError

NEEDS = "push messages need more packages: pip install 'cij[push]'"


def signed(
    claims: Mapping[str, Any],
    key: str,
    algorithm: Literal["ES256", "RS256"],
    headers: Mapping[str, str] | None = None,
) -> str:
    """Return a token. `key` is PEM. Raises: ConfigError for a key that is none."""
    try:
        import jwt
        from cryptography.exceptions import UnsupportedAlgorithm
    except ImportError as error:
        raise ConfigError(NEEDS) from error
    try:
        return jwt.encode(dict(claims), key, algorithm, dict(headers or {}))
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError):
        # Their texts may quote the key.
        raise ConfigError(
            f"the variable with the key holds no private key for {algorithm}"
        ) from None
