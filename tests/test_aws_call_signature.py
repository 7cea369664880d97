"""Signatures of AWS, against the test suite that AWS published for Signature Version 4."""

from datetime import UTC, datetime

import pytest

from cij.runtime.delivery.channels.providers.aws_call_signature import Signer, stamp

AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
SIGNER = Signer("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service")
HEADERS = {"Host": "example.amazonaws.com", "X-Amz-Date": "20150830T123600Z"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# Name in the suite -> method, path, more headers, body, signature.
SUITE = {
    "get-vanilla": ("GET", "/", {}, b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    "post-vanilla": ("POST", "/", {}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "post-header-key-sort": (
        "POST", "/", {"My-Header1": "value1"}, b"",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    "post-header-value-case": (
        "POST", "/", {"My-Header1": "VALUE1"}, b"",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    "post-x-www-form-urlencoded": (
        "POST", "/", FORM, b"Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    "get-header-value-trim": (
        "GET", "/", {"My-Header1": " value1", "My-Header2": ' "a   b   c"'}, b"",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SUITE)
def test_signatures_are_those_of_the_suite_of_aws(name: str) -> None:
    method, path, more, body, wanted = SUITE[name]
    found = SIGNER.authorization(method, path, {**HEADERS, **more}, body, AT)
    assert stamp(AT) == HEADERS["X-Amz-Date"]
    names = ";".join(sorted(each.lower() for each in {**HEADERS, **more}))
    credential = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
    assert found == f"{credential}, SignedHeaders={names}, Signature={wanted}"


def test_a_signer_does_not_show_its_secret() -> None:
    assert "wJalr" not in repr(SIGNER)
