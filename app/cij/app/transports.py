"""Opens the transports of the channels by the settings in cij.toml."""

import re
from dataclasses import replace
from pathlib import Path

from cij.app.delivery_tables import (
    ChannelWay,
    FilesDelivery,
    RowsDelivery,
    SmtpDelivery,
    WebhookDelivery,
)
from cij.app.delivery_way import MailWay
from cij.app.open_store import store_path
from cij.app.project import Project
from cij.app.provider_tables import ApiDelivery
from cij.app.signed_links import Links, PublicLinks
from cij.app.tracking_links import tracking_of
from cij.compiler.channels import CHANNELS
from cij.compiler.naming import did_you_mean
from cij.compiler.program import Program
from cij.runtime.delivery import (
    ActionTransport,
    ApiSettings,
    Defaults,
    FileSettings,
    Route,
    RowSettings,
    SmtpSettings,
    Transport,
    WebhookSettings,
    open_transport,
)
from cij.runtime.delivery.defaults import MessageLinks, MessageTracking
from cij.runtime.errors import ConfigError
from cij.runtime.rates import Limits


def open_transports(project: Project, program: Program) -> dict[str, Transport]:
    """Return the transport of each channel, and of actions.

    The caller closes them. Raises: ConfigError.
    """
    ways = project.settings.delivery.by_channel()
    found = {name: _channel(project, name, way) for name, way in ways.items()}
    return {**found, "action": _actions(project, program)}


def _channel(project: Project, channel: str, way: ChannelWay) -> Transport:
    """Return the transport of a channel, with the ways that stand in for it."""
    ways = project.settings.delivery.fallback(channel)
    deputies = [
        Route(open_transport(_settings(project, each, number)), each.limits(), _sender(each))
        for number, each in enumerate(ways, 1)
    ]
    own = _settings(project, way)
    if deputies and isinstance(own, ApiSettings):
        # What one provider knows, another one does not: the second would deliver it again.
        own = replace(own, is_idempotent=False)
    first = open_transport(own)
    if not deputies and way.limits() == Limits():
        return first
    return Route(first, way.limits(), fallback=deputies)


def _sender(way: ChannelWay) -> str | None:
    # That of a text message is a part of the call.
    return way.sender if isinstance(way, MailWay) else None


def _actions(project: Project, program: Program) -> Transport:
    action = project.settings.delivery.action
    names = [a.name for a in program.actions]
    for name in action.by_action:
        if name not in names:
            hint = did_you_mean(name, names)
            text = f"cij.toml: [delivery.action.{name}]: there is no action `{name}`"
            raise ConfigError(f"{text}; {hint}" if hint else text)
    ways = {n: _call_way(project, way) for n, way in action.by_action.items()}
    return ActionTransport(_call_way(project, action.default), ways)


def _call_way(project: Project, way: RowsDelivery | WebhookDelivery) -> Transport:
    found = open_transport(_settings(project, way))
    return found if way.limits() == Limits() else Route(found, way.limits())


_Way = FilesDelivery | SmtpDelivery | RowsDelivery | WebhookDelivery | ApiDelivery
_Settings = FileSettings | SmtpSettings | RowSettings | WebhookSettings | ApiSettings


def _settings(project: Project, way: _Way, number: int = 0) -> _Settings:
    """Return the settings of a transport; `number` is that of a way that stands in, else 0."""
    match way:
        case FilesDelivery():
            return FileSettings(folder=_folder(project, way.folder))
        case RowsDelivery():
            return RowSettings(folder=_folder(project, way.folder))
        case WebhookDelivery():
            return WebhookSettings(
                url=way.url,
                secret=way.secret(),
                connections=way.connections,
                timeout_s=way.timeout_seconds,
            )
        case ApiDelivery():
            return _provider(project, way, number)
    return SmtpSettings(
        host=way.host,
        port=way.port,
        security=way.tls,
        username=way.username,
        password=way.password(),
        connections=way.connections,
        # Beside the state file, for it is about what is claimed there.
        handover=store_path(project).with_name(f"handover{_end(number)}.jsonl"),
    )


def _end(number: int) -> str:
    return f"-fallback-{number}" if number else ""


def _provider(project: Project, way: ApiDelivery, number: int) -> ApiSettings:
    kind = getattr(way, "kind")  # noqa: B009 - each table has its own word there
    # Two channels may have an API by a template, and none of the others.
    name = f"{kind}-mail" if kind == "http" and isinstance(way, MailWay) else kind
    service = project.settings.service
    reports = kind in service.callbacks.providers and service.url is not None
    return ApiSettings(
        provider=kind,
        key=way.key(),
        options=way.options(),
        url=way.url,
        connections=way.connections,
        timeout_s=way.timeout_seconds,
        # Beside the state, for it is about what is claimed there.
        handover=store_path(project).with_name(f"handover-{name}{_end(number)}.jsonl"),
        is_idempotent=way.knows_doubles() and not number,
        reports_to=f"{service.url}/v1/callbacks/{kind}" if reports else None,
    )


def _folder(project: Project, written: str) -> Path:
    folder = (project.root / written).resolve()
    # A project from elsewhere must not write outside of its folder.
    if not folder.is_relative_to(project.root):
        raise ConfigError(f"cij.toml: the folder `{written}` is outside of the project")
    return folder


def message_folders(project: Project) -> tuple[Path, ...]:
    """Return the folders into which messages and calls are written as files."""
    delivery = project.settings.delivery
    actions = (delivery.action.default, *delivery.action.by_action.values())
    ways = (*delivery.by_channel().values(), *actions)
    found = (w.folder for w in ways if isinstance(w, (FilesDelivery, RowsDelivery)))
    return tuple(sorted({_folder(project, folder) for folder in found}))


def senders(project: Project, program: Program) -> Defaults:
    """Return the defaults for messages without settings of their own, such as a sender.

    Raises: ConfigError for a topic that is not there.
    """
    ways = project.settings.delivery.by_channel()
    mails = [ways[row.name] for row in CHANNELS.values() if row.form == "mail"]
    # A table of SMS has no such settings.
    senders = (getattr(way, "sender", None) for way in mails)
    unsubscribe = (getattr(way, "unsubscribe", None) for way in mails)
    return Defaults(
        sender=next(filter(None, senders), f"cij@{_domain(project)}"),
        unsubscribe=next(filter(None, unsubscribe), None),
        region=project.settings.project.region,
        links=_links(project),
        reporting=project.settings.service.callbacks.providers,
        tracking=_tracking(project, program),
    )


def _links(project: Project) -> MessageLinks | None:
    url = project.settings.service.url
    return None if url is None else PublicLinks(url, Links(project.root))


def _tracking(project: Project, program: Program) -> MessageTracking | None:
    service = project.settings.service
    found = tracking_of(service.tracking, service.url, Links(project.root))
    if found is not None:
        topic = next((each for each in program.topics if each.name == found.topic), None)
        if topic is None:
            hint = did_you_mean(found.topic, [each.name for each in program.topics])
            text = f"cij.toml: [service.tracking]: there is no topic `{found.topic}`"
            raise ConfigError(f"{text}; {hint}" if hint else text)
        if "email" not in topic.channels:
            text = f"cij.toml: [service.tracking]: the topic `{topic.name}` has no channel `email`"
            raise ConfigError(text)
    return found


def _domain(project: Project) -> str:
    # `.invalid` is reserved (RFC 2606), so a default sender never has the domain of somebody else.
    # A name of a project may have signs that a domain may not.
    name = re.sub(r"[^a-z0-9]+", "-", project.settings.project.name.lower()).strip("-")
    return f"{name[:60].strip('-') or 'project'}.invalid"
