"""Detached signatures of `ssh-keygen -Y`, in the format that git uses for commits.

Allowed signers are lines `ADDRESS KEY` (`man ssh-keygen`, ALLOWED SIGNERS). Texts go by standard input.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from cij.runtime.errors import ConfigError

# A signature for one purpose is worth nothing for another, such as a commit.
_PURPOSE = "cij-approval"
_SECONDS_MAX = 30
PROGRAM = "ssh-keygen"
Verdict = Literal["good", "unknown signer", "altered"]


def verdict(text: str, signature: str, signer: str, allowed: str) -> Verdict:
    """Say whether `signer` has signed a text with a key that `allowed` has for them.

    `altered` means that no key has made this signature for this text. Raises: ConfigError without ssh-keygen.
    """
    with TemporaryDirectory(prefix="cij-") as folder:
        signers, signed = Path(folder, "signers"), Path(folder, "signature")
        signers.write_text(allowed)
        signed.write_text(signature)
        common = ["-n", _PURPOSE, "-s", str(signed)]
        if _call(["verify", "-f", str(signers), "-I", signer, *common], text).returncode == 0:
            return "good"
        is_whole = _call(["check-novalidate", *common], text).returncode == 0
        return "unknown signer" if is_whole else "altered"


def sign(text: str, key: Path) -> str:
    """Sign a text with a private key, or with the agent that has the key of a public one. Raises: ConfigError."""
    done = _call(["sign", "-f", str(key), "-n", _PURPOSE], text)
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ConfigError(f"ssh-keygen cannot sign with {key}: {reason[-1] if reason else 'why?'}")
    return done.stdout.decode("ascii", "replace")


def _call(arguments: Sequence[str], text: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            [PROGRAM, "-Y", *arguments],
            input=text.encode(),
            capture_output=True,
            timeout=_SECONDS_MAX,
            check=False,
        )
    except FileNotFoundError as error:
        raise ConfigError(
            "signed approvals need `ssh-keygen`, which is not installed; it comes with OpenSSH"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"ssh-keygen cannot be called: {error}") from error
