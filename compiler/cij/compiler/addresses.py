"""Addresses: one canonical form for each, and the form in which it goes to a provider (S29).

    canonical      what is compared: matching, look-ups, consent, suppression, bounces
    mailbox        what a mail server gets; the local part as it was written
    phone_number   what an SMS provider gets: E.164

Both libraries are loaded at the first address that needs them: most commands need none, and a project
without phones never loads the numbering plans.
"""

import re
import unicodedata
from functools import cache, lru_cache
from types import ModuleType

# The longest address that SMTP can carry. What is longer is no address, and is looked at no further.
ADDRESS_MAX = 254
_LOCAL_MAX = 64
# Every ASCII address of this form is valid as it stands. Asking the library takes 120 microseconds for
# each address, so it is asked for the others only: quotes, other scripts, odd dots and hyphens.
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_PLAIN_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_NAMED = re.compile(r"(.*)<([^<>]*)>\s*", re.DOTALL)
# What people type for a number: digits, with or without signs between them.
_PHONE_LIKE = re.compile(r"[+(]?[0-9][0-9 ().\-/\u00a0\u2010-\u2015]{2,40}")


class NoAddress(ValueError):
    """A text is no address. The message quotes it and says why."""


# --- the canonical form -----------------------------------------------------------------------


def canonical(field: str, text: str, region: str | None) -> str:
    """Return the canonical form of an address: `field` is the role, such as `email` or `phone`.

    Every text has one. Of a text that is no address it is the text, trimmed and in lower case, so that
    equal texts stay equal. The form of a form is the form itself.
    """
    trimmed = unicodedata.normalize("NFC", text).strip()
    if len(trimmed) > ADDRESS_MAX:
        return trimmed.lower()
    if field == "email" and "@" in trimmed:
        local, _, domain = trimmed.rpartition("@")
        return f"{local.lower()}@{_lenient_domain(domain)}"
    if field == "phone":
        return _e164(trimmed, region) or trimmed.lower()
    return trimmed.lower()


def canonical_of_any(text: str, region: str | None) -> str:
    """Return the canonical form of an address whose channel nobody has named."""
    return canonical("email" if "@" in text else "phone", text, region)


def told_address(field: str, text: str, region: str | None) -> str | None:
    """Return the canonical form of `text` if it can be an address that somebody typed, else None."""
    trimmed = unicodedata.normalize("NFC", text).strip()
    if len(trimmed) > ADDRESS_MAX:
        return None
    if field == "phone":
        return _e164(trimmed, region)
    local, _, domain = trimmed.rpartition("@")
    is_whole = bool(local) and "." in domain.strip(".") and not re.search(r"\s", trimmed)
    return canonical(field, trimmed, region) if field == "email" and is_whole else None


def _lenient_domain(domain: str) -> str:
    try:
        return ascii_domain(domain)
    except NoAddress:
        return domain.lower()


def ascii_domain(domain: str) -> str:
    """Return a domain as lower-case A-labels, by IDNA 2008. Raises NoAddress."""
    return domain.lower() if domain.isascii() else _idna_domain(domain)


@lru_cache(maxsize=4096)
def _idna_domain(domain: str) -> str:
    import idna

    try:
        # Non-transitional: `straße` is a name of its own, and not another way to write `strasse`.
        return idna.encode(domain, uts46=True, transitional=False).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise NoAddress(f"`{shown(domain)}` is not a valid domain") from error


# --- email ------------------------------------------------------------------------------------


def mailbox(text: str) -> str:
    """Return the address `text` as SMTP takes it: its domain as A-labels. Raises NoAddress."""
    trimmed = text.strip()
    local, at, domain = trimmed.rpartition("@")
    if not at or not domain or not local or len(trimmed) > ADDRESS_MAX:
        raise NoAddress(f"`{shown(text)}` is not an email address")
    if not local.isascii():
        raise NoAddress(f"`{shown(text)}` has letters before the @ that mail servers do not accept")
    address = f"{local}@{_named_domain(domain, text)}"
    if not _is_plain(address):
        _require_valid(address, text)
    return address


@lru_cache(maxsize=256)
def named_mailbox(text: str) -> tuple[str, str]:
    """Return name and address of `Name <address>` or of a lone address. Raises NoAddress.

    A name may hold any signs, also a comma: whoever prints it quotes it. Senders repeat, so the
    result is cached.
    """
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise NoAddress(f"`{shown(text)}` is not an email address")
    found = _NAMED.fullmatch(text)
    if found is None:
        return "", mailbox(text)
    name = found.group(1).strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name, mailbox(found.group(2))


def _named_domain(domain: str, text: str) -> str:
    try:
        return ascii_domain(domain)
    except NoAddress as error:
        raise NoAddress(f"`{shown(text)}` has no valid domain") from error


def _is_plain(address: str) -> bool:
    local, _, domain = address.rpartition("@")
    if len(local) > _LOCAL_MAX or len(address) > ADDRESS_MAX or not _PLAIN_LOCAL.fullmatch(local):
        return False
    return all(_PLAIN_LABEL.fullmatch(label) for label in domain.split("."))


def _require_valid(address: str, text: str) -> None:
    validator = _email_validator()
    try:
        validator.validate_email(
            address,
            check_deliverability=False,
            globally_deliverable=False,
            allow_smtputf8=False,
            # 64 characters before the @ at most, as servers demand.
            strict=True,
        )
    except validator.EmailNotValidError as error:
        raise NoAddress(f"`{shown(text)}` is not an email address: {error}") from error


@cache
def _email_validator() -> ModuleType:
    import email_validator

    # Names such as `.local` and `.test` are addresses inside a house and on a test bench.
    email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()
    return email_validator


# --- phones -----------------------------------------------------------------------------------


def phone_number(text: str, region: str | None) -> str:
    """Return the number `text` in E.164. Raises NoAddress."""
    found = _e164(unicodedata.normalize("NFC", text).strip(), region)
    if found is None:
        why = "" if region or text.strip().startswith("+") else " without a country code"
        hint = "; set `region` in [project] of cij.toml" if why else ""
        raise NoAddress(f"`{shown(text)}` is not a phone number{why}{hint}")
    return found


def is_region(code: str) -> bool:
    """Tell whether a code such as `ES` names a country or region that has phone numbers."""
    return code in _phonenumbers().SUPPORTED_REGIONS


def _e164(text: str, region: str | None) -> str | None:
    if len(text) > ADDRESS_MAX or not _PHONE_LIKE.fullmatch(text):
        return None
    library = _phonenumbers()
    try:
        number = library.parse(text, region)
    except library.NumberParseException:
        return None
    if not library.is_possible_number(number):
        return None
    return str(library.format_number(number, library.PhoneNumberFormat.E164))


@cache
def _phonenumbers() -> ModuleType:
    import phonenumbers

    return phonenumbers


def shown(text: str) -> str:
    """Return `text` for a message: short, and without signs that a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in text[:80])
