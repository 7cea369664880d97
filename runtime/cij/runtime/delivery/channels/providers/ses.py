"""Amazon SES: `POST /v2/email/outbound-emails`. It takes the mail as we built it, and offers no key against a second one."""

import base64
from urllib.parse import urlsplit

from cij.runtime.clock import LiveClock
from cij.runtime.delivery.channels.api_settings import ApiSettings
from cij.runtime.delivery.channels.providers.api_call import Answer, Call, Provider, as_json, said
from cij.runtime.delivery.channels.providers.aws_call_signature import Signer, stamp
from cij.runtime.delivery.channels.transport import Prepared
from cij.runtime.delivery.provider_marks import tags_of_ses
from cij.runtime.errors import DeliveryError, PermanentDelivery, SenderRefused

_PATH = "/v2/email/outbound-emails"
# The account may send nothing, or nothing more today.
_OF_ACCOUNT = (
    "AccountSuspendedException",
    "SendingPausedException",
    "LimitExceededException",
    "NotFoundException",
)
_THROTTLED = ("Throttling", "ThrottlingException", "TooManyRequestsException")
_OF_SENDER = "MailFromDomainNotVerifiedException"
# How SES begins to say that an address is none.
_OF_ADDRESS = (
    "missing final '@domain'",
    "illegal address",
    "invalid email",
    "local address",
    "domain ",
)


def _address(settings: ApiSettings) -> str:
    return f"https://email.{settings.options['region']}.amazonaws.com"


def _call(one: Prepared, settings: ApiSettings) -> Call:
    options = settings.options
    tags = tags_of_ses(one.customer, one.key)
    body = {
        "Destination": {"ToAddresses": [one.address]},
        "Content": {"Raw": {"Data": base64.b64encode(one.content).decode()}},
        "EmailTags": [{"Name": name, "Value": value} for name, value in tags],
        "ConfigurationSetName": options.get("configuration_set"),
    }
    content, now = as_json(body), LiveClock().now()
    headers = {
        "content-type": "application/json",
        "host": urlsplit(settings.url or _address(settings)).netloc,
        "x-amz-date": stamp(now),
    }
    if token := options.get("session_token"):
        headers["x-amz-security-token"] = token
    signer = Signer(options["access_key"], settings.key, options["region"], "ses")
    # A proxy in the path of `url` passes on what is behind it, so the signature is for the plain path.
    authorization = signer.authorization("POST", _PATH, headers, content, now)
    return Call(_PATH, {**headers, "authorization": authorization}, content)


def _id(answer: Answer, settings: ApiSettings) -> str | None:
    return answer.text("MessageId") if answer.status == 200 else None


def _refusal(one: Prepared, answer: Answer) -> DeliveryError | None:
    # Some kinds have more behind a colon.
    given = answer.headers.get("x-amzn-errortype") or answer.body.get("__type")
    kind = said(given).partition(":")[0].rpartition("#")[2]
    text = answer.text("message") or answer.text("Message") or kind
    if kind in _THROTTLED:
        return DeliveryError(f"SES takes nothing for now: {text}")
    if answer.status in (401, 403, 404) or kind in _OF_ACCOUNT:
        return DeliveryError(f"SES does not accept the key or the account: {text or answer.status}")
    # A new account may send to confirmed addresses only; then the same sentence names the recipient.
    is_unknown = "not verified" in text and one.address.lower() not in text.lower()
    if kind == _OF_SENDER or is_unknown:
        return SenderRefused(f"SES refuses the sender: {text}")
    is_of_address = kind == "BadRequestException" and text.lower().startswith(_OF_ADDRESS)
    code = f"{answer.status} {kind}".strip()
    return PermanentDelivery(f"SES refuses it: {text}", is_bounce=is_of_address, code=code)


SES = Provider(_address, _call, _id, _refusal)
