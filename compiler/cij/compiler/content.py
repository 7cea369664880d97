"""Content: every placeholder of every locale against the customer and what the sends give."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cij.compiler import expression as ex, program as pg
from cij.compiler.declarations.message import file_of
from cij.compiler.message_links import LINKS, check_link
from cij.compiler.naming import did_you_mean, near
from cij.compiler.pass_state import Build, SendSite
from cij.compiler.placeholder import Placeholder
from cij.compiler.placeholders import placeholders
from cij.compiler.relations import follow
from cij.compiler.text_places import in_file, inside_text
from cij.compiler.typecheck.names import event_field, no_result, result_names, result_of
from cij.grammar import codes, syntax
from cij.grammar.span import Span


@dataclass(frozen=True, slots=True)
class _Text:
    """One text of a message, and where it is written."""

    value: str
    setting: syntax.Setting
    build: Build

    def span(self, index: int, length: int) -> Span:
        literal = self.setting.value
        path = file_of(literal)
        if path is not None:
            return in_file(path, self.value, index, length)
        raw = self.build.texts[literal.span.file]
        return inside_text(literal.span, raw, self.value, index, length)

    @property
    def quote(self) -> str:
        """What a text inside this text stands between: a `"` would end one that is on one line."""
        span = self.setting.value.span
        written = self.build.texts[span.file][span.start : span.end]
        return "'" if written.startswith('"') and not written.startswith('"""') else '"'


@dataclass(slots=True)
class _Use:
    """What a message reads: parameters, and dotted names of fields.

    `meant` are names that an unknown one may be a slip of, and the words of texts that are broken:
    that nothing reads these is no second mistake.
    """

    parameters: dict[str, None]
    fields: dict[str, None]
    meant: set[str] = field(default_factory=set)


def check_content(build: Build) -> None:
    """Check all messages, and note in the model what each one reads."""
    for name, message in list(build.model.messages.items()):
        use = _Use({}, {})
        sites = build.send_sites.get(name, [])
        for text in _texts(build.declared["message"][name], build):
            _check_text(text, message, sites, use)
        _check_sites(name, sites, use, build)
        build.model.messages[name] = message.model_copy(
            update={"parameters": tuple(use.parameters), "fields": tuple(use.fields)}
        )


def _texts(node: syntax.Declaration, build: Build) -> Iterator[_Text]:
    for block in (i for i in node.items if isinstance(i, syntax.Block)):
        for setting in (i for i in block.items if isinstance(i, syntax.Setting)):
            path = file_of(setting.value)
            if isinstance(setting.value, syntax.Text):
                yield _Text(setting.value.value, setting, build)
            elif path is not None and path in build.contents:
                yield _Text(build.contents[path], setting, build)


def _check_text(text: _Text, message: pg.Message, sites: list[SendSite], use: _Use) -> None:
    found, error = placeholders(text.value)
    if error is not None:
        span = text.span(error.index, 1)
        text.build.report(codes.BAD_TEMPLATE.at(span, error.message))
        use.meant.update(re.findall(r"\w+", text.value))
    else:
        _check_constants(text)
    for placeholder in found:
        _check_placeholder(placeholder, text, message, sites, use)


# What a template prints or keeps, and the blocks in which it does not.
_EVALUATED = re.compile(
    r"\{\{-?(?P<printed>.*?)-?\}\}|\{%-?\s*assign\s+[\w-]+\s*=(?P<kept>.*?)-?%\}", re.DOTALL
)
_DIVISIONS = re.compile(r"\|\s*(?:divided_by|modulo)\s*:\s*-?[\d.]+")
_UNREAD = re.compile(r"\{%-?\s*(raw|comment)\s*-?%\}.*?\{%-?\s*end\1\s*-?%\}", re.DOTALL)


def _check_constants(text: _Text) -> None:
    """Evaluate what depends on no customer: what fails there fails for all of them."""
    if "|" not in text.value:
        return
    read = _UNREAD.sub(lambda block: " " * len(block.group()), text.value)
    for found in _EVALUATED.finditer(read):
        group = "printed" if found["printed"] is not None else "kept"
        expression = found[group]
        names, error = placeholders(f"{{{{{expression}}}}}")
        if error is not None:
            continue
        # Of what depends on a customer, a division by a constant can be evaluated with any number.
        parts = (
            _DIVISIONS.finditer(expression) if names else re.finditer(r".+", expression, re.DOTALL)
        )
        for part in parts:
            fault = text.build.constant_fault(f"1 {part[0]}" if names else part[0])
            if fault is not None:
                span = text.span(found.start(group) + part.start(), len(part[0]))
                text.build.report(codes.BAD_TEMPLATE.at(span, fault))


def _check_placeholder(
    placeholder: Placeholder, text: _Text, message: pg.Message, sites: list[SendSite], use: _Use
) -> None:
    path = placeholder.path
    profile = text.build.model.profile
    if profile is not None and path[0] == profile.name and len(path) > 1:
        path = path[1:]
    # The template knows a value under the name by which it reads it.
    name, written = ".".join(path), ".".join(placeholder.path)
    if name.startswith("trigger."):
        _check_trigger(placeholder, text, sites)
        use.fields[written] = None
    elif len(path) > 1 and any(path[0] in site.results for site in sites):
        _check_result(name, placeholder, text, sites)
        use.fields[written] = None
    elif _is_relation(name, text.build):
        _report_whole_row(name, text.span(placeholder.index, len(name)), text.build)
    elif name == "id" or _field(name, text.build) is not None:
        _check_default(name, placeholder, text, sites)
        use.fields[written] = None
    elif name in text.build.declared["measure"]:
        use.fields[written] = None
    else:
        _check_other(path, placeholder, text, message, sites, use)


def _check_other(
    path: Sequence[str],
    placeholder: Placeholder,
    text: _Text,
    message: pg.Message,
    sites: list[SendSite],
    use: _Use,
) -> None:
    """Check what is no value of the customer: a link, a path through relations, or a parameter."""
    name, written = ".".join(path), ".".join(placeholder.path)
    profile = text.build.model.profile
    if path[0] == LINKS and len(path) > 1 and _field(LINKS, text.build) is None:
        # The delivery makes them, so they are no values of the send.
        check_link(path[1:], text.span(placeholder.index, len(written)), text.build)
    elif (relation := _relation(path, text.build)) is not None:
        if _check_related(relation, path[1:], placeholder, text):
            use.fields[written] = None
    elif name not in text.build.broken and profile is not None:
        _check_parameter(name, placeholder, text, sites, use)


def _field(name: str, build: Build) -> pg.ProfileField | None:
    fields = build.model.profile.fields if build.model.profile else ()
    return next((f for f in fields if f.name == name), None)


def _is_relation(name: str, build: Build) -> bool:
    field = _field(name, build)
    return field is not None and field.type.entity is not None


def _relation(path: Sequence[str], build: Build) -> ex.Expression | None:
    """Return the customer's relation that a dotted name begins with."""
    field = _field(path[0], build) if len(path) > 1 else None
    if field is None or field.type.entity is None:
        return None
    return ex.Field(type=field.type, is_nullable=True, name=field.name)


def _check_related(
    base: ex.Expression, names: Sequence[str], placeholder: Placeholder, text: _Text
) -> bool:
    """Check a path through relations, and tell whether it leads to a value."""
    build, name = text.build, ".".join(placeholder.path)
    span = text.span(placeholder.index, len(name))
    if any(entity not in build.model.entities for entity in build.declared["entity"]):
        return False
    found = follow(base, names, build.model.entities.values())
    if found is None:
        message = f"`{name}` leads to no field of what `{placeholder.path[0]}` relates to"
        build.report(codes.UNKNOWN_PLACEHOLDER.at(span, message, label="unknown placeholder"))
    elif found.type.entity is not None:
        _report_whole_row(name, span, build)
    elif not (placeholder.has_default or placeholder.is_tested):
        _report_default(name, placeholder, text)
    return found is not None


def _report_whole_row(name: str, span: Span, build: Build) -> None:
    message = f"`{name}` is a whole row, which cannot be printed"
    hint = f"name a field of it: `{name}.name`"
    build.report(codes.UNKNOWN_PLACEHOLDER.at(span, message, help=hint))


def _check_default(name: str, placeholder: Placeholder, text: _Text, sites: list[SendSite]) -> None:
    if name == "id" or placeholder.has_default or placeholder.is_tested:
        return
    if sites and all(name in site.known for site in sites):
        return
    _report_default(name, placeholder, text)


def _report_default(name: str, placeholder: Placeholder, text: _Text) -> None:
    message = f"`{name}` has no value for some customers"
    default = "…".join(text.quote * 2)
    hint = f"write `{{{{ {name} | default: {default} }}}}`"
    span = text.span(placeholder.index, len(name))
    text.build.report(codes.MISSING_DEFAULT.at(span, message, label="may be missing", help=hint))


def _check_trigger(placeholder: Placeholder, text: _Text, sites: list[SendSite]) -> None:
    name = ".".join(placeholder.path)
    if any(site.is_trigger_broken for site in sites):
        return
    for site in sites:
        for event in site.trigger:
            if f"{event.name}.{name.removeprefix('trigger.')}" in text.build.broken:
                return
            field = event_field(event, placeholder.path[1])
            if field is not None and field.type.entity is not None:
                if not _check_related(field, placeholder.path[2:], placeholder, text):
                    return
                continue
            names = ["at", *(f.name for f in event.fields)]
            if name.removeprefix("trigger.") not in names:
                hint = did_you_mean(name.removeprefix("trigger."), names)
                message = f"event `{event.name}`, on which customers enter `{site.journey}`, has no such field"
                span = text.span(placeholder.index, len(name))
                text.build.report(codes.UNKNOWN_PLACEHOLDER.at(span, message, help=hint))
                return
        if not site.trigger:
            message = f"`{name}` needs an entering event, and customers can enter `{site.journey}` without one"
            span = text.span(placeholder.index, len(name))
            text.build.report(codes.UNKNOWN_PLACEHOLDER.at(span, message))
            return
    _check_default(name, placeholder, text, sites)


def _check_result(name: str, placeholder: Placeholder, text: _Text, sites: list[SendSite]) -> None:
    """Check `LABEL.x` at every send: what a step before it called has to return `x`."""
    label, _, result = name.partition(".")
    span = text.span(placeholder.index, len(name))
    for site in sites:
        called = site.results.get(label)
        if called is None:
            message = f"`{name}` needs a step `{label}` that calls something before the send"
            hint = f"`{site.journey}` has none there"
            text.build.report(codes.UNKNOWN_PLACEHOLDER.at(span, message, help=hint))
            return
        if result_of(called, result) is None:
            told = no_result(called, result, text.build.broken)
            if told is not None:
                hint_or_none = did_you_mean(result, result_names(called))
                text.build.report(codes.UNKNOWN_PLACEHOLDER.at(span, told, help=hint_or_none))
            return
    if not (placeholder.has_default or placeholder.is_tested):
        _report_default(name, placeholder, text)


def _check_parameter(
    name: str, placeholder: Placeholder, text: _Text, sites: list[SendSite], use: _Use
) -> None:
    if sites and not any(name in site.parameters for site in sites):
        build = text.build
        fields = [f.name for f in build.model.profile.fields] if build.model.profile else []
        given = sorted({p for site in sites for p in site.parameters})
        names = [*fields, *given, *build.model.measures]
        hint = did_you_mean(name, names)
        use.meant.update(near(name, names))
        message = f"`{name}` is neither a field of the customer nor given by a send"
        span = text.span(placeholder.index, len(name))
        build.report(
            codes.UNKNOWN_PLACEHOLDER.at(span, message, label="unknown placeholder", help=hint)
        )
        return
    use.parameters[name] = None


def _check_sites(name: str, sites: list[SendSite], use: _Use, build: Build) -> None:
    for site in sites:
        for parameter in use.parameters:
            if parameter not in site.parameters:
                message = f"message `{name}` needs the parameter `{parameter}`"
                hint = f"add `{parameter} = …` to the send"
                span = site.step.messages[0].span
                build.report(codes.MISSING_PARAMETER.at(span, message, help=hint))
        for setting in site.step.settings:
            key = setting.key.text
            is_used = key in use.parameters or key in use.meant
            if key in site.parameters and not is_used:
                message = f"message `{name}` does not use the parameter `{key}`"
                build.report(codes.UNUSED_PARAMETER.at(setting.key.span, message))
