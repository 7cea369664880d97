"""How the parts of an SVG look: colours for light and dark pages, and an icon for each kind."""

from cij.compiler.graph.outline import Kind

# Types of about one width, so that the estimate of how wide a text is holds for each of them.
FONT = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'Noto Sans', sans-serif"

# Kind: fill and line on a light page, fill and line on a dark one.
_COLOURS: dict[Kind, tuple[str, str, str, str]] = {
    "entry": ("#eff6ff", "#3b82f6", "#172a4a", "#60a5fa"),
    "send": ("#f0fdf4", "#22a559", "#12301f", "#4ade80"),
    "act": ("#f0fdfa", "#0d9488", "#0f2f2c", "#2dd4bf"),
    "wait": ("#fffbeb", "#d98a06", "#33270d", "#fbbf24"),
    "decide": ("#f5f3ff", "#8b5cf6", "#271d45", "#a78bfa"),
    "end": ("#f1f5f9", "#64748b", "#1e293b", "#94a3b8"),
    "goal": ("#ecfdf5", "#059669", "#0b2f25", "#34d399"),
    "exit": ("#fef2f2", "#dc4a4a", "#3a1618", "#f87171"),
}

# Paths in a square of 16, drawn with a line and no fill.
ICONS: dict[Kind, str] = {
    "entry": "M2 8h8M7 4.5 10.5 8 7 11.5M10 2h4v12h-4",
    "send": "M1.5 3.5h13v9h-13zM1.5 4l6.5 5 6.5-5",
    "act": "M9.5 1.5 3.5 9h4l-1 5.5 6-7.5h-4z",
    "wait": "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13zM8 4.5v4l2.5 1.5",
    "decide": "M8 14.5v-5M8 9.5C8 6.5 3.5 7 3.5 2.5M8 9.5c0-3 4.5-2.5 4.5-7M1.5 4.5l2-2 2 2M10.5 4.5l2-2 2 2",
    "end": "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13zM5.5 5.5h5v5h-5z",
    "goal": "M3.5 14.5v-13M3.5 2.5h9l-2 3 2 3h-9",
    "exit": "M6 2H2v12h4M6 8h8M10.5 4.5 14 8l-3.5 3.5",
}

_PAGE = """\
.page{{fill:{page};stroke:{frame}}}
text{{fill:{ink}}}
.quiet,.label{{fill:{quiet}}}
.mask{{fill:{page}}}
.edge{{stroke:{edge}}}
.head{{fill:{edge}}}
"""
_LIGHT = _PAGE.format(
    page="#ffffff", frame="#e2e8f0", ink="#0f172a", quiet="#475569", edge="#94a3b8"
)
_DARK = _PAGE.format(
    page="#0f172a", frame="#1e293b", ink="#f1f5f9", quiet="#a8b5c7", edge="#64748b"
)


def style_sheet(scope: str) -> str:
    """Return the rules, each for what is inside the element `scope` only.

    The page that an SVG is written into shares them otherwise.
    """
    light = _LIGHT + "".join(_kind(kind, c[0], c[1]) for kind, c in _COLOURS.items())
    dark = _DARK + "".join(_kind(kind, c[2], c[3]) for kind, c in _COLOURS.items())
    fixed = (
        f"text{{font-family:{FONT};font-size:13px}}\n"
        ".title{font-size:18px;font-weight:600}\n.strong{font-weight:600}\n"
        ".small{font-size:12px}\n.label{font-size:12px}\n"
        ".edge{fill:none;stroke-width:1.5}\n.shape{stroke-width:1.5}\n"
        ".icon{fill:none;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}\n"
    )
    night = f"@media (prefers-color-scheme:dark){{\n{_scoped(dark, scope)}}}\n"
    return _scoped(fixed + light, scope) + night


def _kind(kind: Kind, fill: str, line: str) -> str:
    return f".{kind} .shape{{fill:{fill};stroke:{line}}}\n.{kind} .icon{{stroke:{line}}}\n"


def _scoped(rules: str, scope: str) -> str:
    return "".join(f"{_selectors(rule, scope)}\n" for rule in rules.splitlines())


def _selectors(rule: str, scope: str) -> str:
    names, brace, body = rule.partition("{")
    return ",".join(f"{scope} {name}" for name in names.split(",")) + brace + body
