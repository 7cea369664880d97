"""The providers to which messages go by HTTP: one module a provider, and the table of them."""

from cij.runtime.delivery.channels.providers.api_call import Provider
from cij.runtime.delivery.channels.providers.apns import APNS
from cij.runtime.delivery.channels.providers.fcm import FCM
from cij.runtime.delivery.channels.providers.http_template import HTTP
from cij.runtime.delivery.channels.providers.mailgun import MAILGUN
from cij.runtime.delivery.channels.providers.postmark import POSTMARK
from cij.runtime.delivery.channels.providers.sendgrid import SENDGRID
from cij.runtime.delivery.channels.providers.ses import SES
from cij.runtime.delivery.channels.providers.twilio import TWILIO
from cij.runtime.delivery.channels.providers.vonage import VONAGE
from cij.runtime.delivery.channels.providers.webpush import WEBPUSH

PROVIDERS: dict[str, Provider] = {
    "sendgrid": SENDGRID,
    "postmark": POSTMARK,
    "mailgun": MAILGUN,
    "ses": SES,
    "twilio": TWILIO,
    "vonage": VONAGE,
    "fcm": FCM,
    "apns": APNS,
    "webpush": WEBPUSH,
    "http": HTTP,
}
