"""Habits in words: conditions, steps, heads of journeys and declarations."""

import re

from cij.grammar.grammar_text import DECLARATION_WORDS, STEP_WORDS
from cij.grammar.mistakes.habit import guess, row

_UNITS = "(?:second|minute|hour|day|week|month|year)s?"
_DECLARATIONS = "|".join(DECLARATION_WORDS)
_STEPS = "|".join(STEP_WORDS)
# Words that authors use as channels. Whether a channel exists is decided by the compiler.
_CHANNELS = "email|sms|push|whatsapp|webhook|in_app"

_VALUE = r'(?:"[^"\n]*"|[\w.]+)'
_SPOKEN = (
    (r"equals|(?:is\s+)?equal\s+to|eq", "="),
    (r"(?:is\s+)?(?:more|greater|bigger)\s+than", ">"),
    (r"(?:is\s+)?(?:less|smaller|fewer)\s+than", "<"),
    (r"(?:is\s+)?at\s+least", ">="),
    (r"like|includes|has", "contains"),
)

# The field of a condition, and no word between conditions.
_FIELD = r"(?!(?:and|or|not|where|when|if|until)(?!\w))[^\W\d][\w.]*"
# What may stand right before a condition.
_OPENS = "and|or|not|where|when|if|until"
_SOUGHT = r"(?:matches|contains|(?:starts|ends)\s+with(?:\s+any\s+of)?)"

CONDITIONS = (
    row(
        rf"(?P<bad>({_FIELD})\s+not\s+is\s+(known|unknown))(?!\w)",
        "`not` stands before a condition",
        "write `is known` or `is unknown`",
        lambda m: f"{m[2]} is {'unknown' if m[3] == 'known' else 'known'}",
    ),
    guess(
        rf"(?:{_OPENS})\s+(?P<bad>not\s+(?P<asks>matches|contains)\s+{_VALUE})",
        r"`\g<asks>` has no field before it",
        r"write the field once more: `not FIELD \g<asks> …`",
        "true",
    ),
    guess(
        rf"(?:{_OPENS})\s+(?P<bad>not\s+in\s+\[[^\]\n]*\])",
        "`not in` has no field before it",
        "write the field once more: `FIELD not in […]`",
        "true",
    ),
    row(
        rf"(?P<bad>({_FIELD})\s+not\s+({_SOUGHT}\s+(?:{_VALUE}|\[[^\]\n]*\])))",
        "`not` stands before a condition",
        r"write `not \2 \3`",
        r"not \2 \3",
    ),
    row(
        rf"(?P<bad>({_FIELD})\s+does\s+not\s+contain\s+({_VALUE}))",
        "`not` stands before a condition",
        r"write `not \2 contains \3`",
        r"not \2 contains \3",
    ),
    row(
        r"where\s+(?P<bad>(?:and|or)\s+)[^\W\d]\w*\s+\S",
        "a condition does not begin with `and` or `or`",
        "delete it",
        "",
    ),
    row(
        r"is\s+(?P<bad>not\s+(?:known|null|NULL|unknown))(?!\w)",
        "`is` goes with `known` or `unknown`",
        "write `is known` or `is unknown`",
        lambda m: "unknown" if m[0].endswith(" known") else "known",
    ),
    row(
        r"is\s+(?P<bad>not\s+(?:null|NULL|none|None|empty|blank|missing|nil))(?!\w)",
        "there is no `\\g<bad>`",
        "write `is known`; an empty text is a missing value",
        "known",
    ),
    row(
        r"is\s+(?P<bad>null|NULL|none|None|empty|missing|nil)(?!\w)",
        "there is no `\\g<bad>`",
        "write `is unknown`",
        "unknown",
    ),
    row(
        r"(?P<bad>is\s+not)\s+(?!known|unknown)[\w\"]",
        "`is not` compares nothing",
        "write `!=`",
        "!=",
    ),
    row(
        r"(?P<bad>is)\s+(?!known|unknown|\w+\s+than)[\w\"]",
        "`is` compares nothing",
        "write `=`",
        "=",
    ),
    *(
        row(
            rf"(?P<bad>{words})\s+{_VALUE}",
            "`\\g<bad>` is not an operator",
            f"write `{sign}`",
            sign,
            is_late=True,
        )
        for words, sign in _SPOKEN
    ),
    row(
        r"(?P<bad>(?:in|during|over)\s+(?:the\s+)?last)\s+\d",
        "`\\g<bad>` is not a window",
        "write `within last`",
        "within last",
    ),
    row(
        r"(?P<bad>in\s+(?:segments\s+)?)(?!segment\s|top\s)([^\W\d]\w*)",
        "expected `in segment` or a list",
        r"write `in segment \2`",
        "in segment ",
        is_late=True,
    ),
    guess(
        r"(?P<bad>matches(?:\s+[^\W\d][\w.]*|\s+/[^/\n]*/|(?=\s*[}\n])))",
        "`matches` is followed by a pattern in quotes",
        'for example `matches "[0-9]+"`',
        'matches "a"',
        is_late=True,
    ),
    row(
        r"(?P<bad>not)\s*(?:[<>=]|!=)",
        "`not` is a word of the language",
        "write a field of this name in back-quotes",
        "`not`",
    ),
    row(
        r"in\s*(?P<bad>\(([^()\n]*)\))",
        "write a list in square brackets",
        "for example `in [1, 2]`",
        r"[\2]",
    ),
)

STEPS = (
    guess(
        r'(?P<bad>in[ \t]+"[^"\n]*")',
        "`\\g<bad>` names no zone",
        'for example `in "Europe/Madrid"` or `in "UTC"`',
        'in "UTC"',
        needs="IN_ZONE",
        lacks="IN",
    ),
    row(
        r"send\s+(?P<bad>(?:an?|the)\s+)[^\W\d]\w*\s+\S",
        "`send` is followed by a channel",
        "for example `send email welcome`",
        "",
    ),
    row(
        rf"[^\W\d]\w*[ \t]*(?P<bad>[=-])[ \t]*(?:{_STEPS})\s",
        "a label ends with `:`",
        "for example `reward: send email welcome`",
        ":",
        needs="SEND",
    ),
    guess(
        r"goto|jump",
        "there is no jump",
        "branches join after their `}`; `end` leaves the journey",
        "end",
        needs="SEND",
    ),
    guess(
        r"(?P<bad>with|using)\s+[^\W\d][\w.]*\s*=",
        "`\\g<bad>` is not a word here",
        "write parameters between `{` and `}`, one on each line",
        needs="LBRACE",
    ),
    row(
        r"(?P<bad>with|using)\s+[^\W\d][\w.]*\s*=",
        "`\\g<bad>` is not a word here",
        "write `where`",
        "where",
        needs="EXPECT WHERE",
        lacks="LBRACE",
    ),
    row(
        r"expect\s+(?:sent|done)\s[^\n{}]*(?P<bad>\{\s*(?P<inner>[^{}]+?)\s*\})",
        "an expectation has no block",
        'write the values as a condition: `where subject = "…" and code = "…"`',
        lambda m: "where " + " and ".join(filter(None, map(str.strip, m["inner"].splitlines()))),
        needs="EXPECT WHERE",
        lacks="LBRACE",
    ),
    guess(
        r"(?P<bad>with|using)\s+[^\W\d][\w.]*\s*=",
        "`\\g<bad>` is not a word here",
        "leave it out: only `send`, `do` and `emit` take values",
        lacks="LBRACE",
    ),
    guess(
        r"\{",
        "an expectation has no block",
        'leave it out: an expectation is one line, for example `expect sent email welcome to "ana"`',
        needs="EXPECT",
        lacks="LBRACE",
    ),
    row(
        r"elif(?!\w)|elsif(?!\w)|elseif(?!\w)",
        "`\\g<0>` is not a word here",
        "write `else if`",
        "else if",
    ),
    guess(
        r"(?P<bad>else)\s+if(?!\w)",
        "an `else` without an `if` above it",
        "begin with `if`; `else` follows the `}` of an `if`, `wait`, `switch` or `first`",
        "",
        needs="SEND",
    ),
    row(
        r"(?P<bad>then)(?!\w)",
        "`then` is not used here",
        "write what follows between `{` and `}`",
        "",
        needs="LBRACE",
        is_late=True,
    ),
    guess(
        rf"(?P<bad>send\s+(?:{_CHANNELS}))[ \t]*(?:\n\s*|\}})[^\n]*",
        "`\\g<bad>` names no message",
        "for example `send email welcome`",
        r"\g<bad> `…`",
    ),
    guess(
        r"(?P<bad>send\s+([^\W\d]\w*))[ \t]*(?:[{\n]\s*|\})[^\n]*",
        "`\\g<bad>` names no channel",
        r"for example `send email \2`",
        r"send `…` \2",
    ),
    row(
        r"wait\s+(?P<bad>for\s+)\d",
        "`wait for` is followed by an event",
        "a time is `wait 3 days`; an event is `wait for purchase up to 3 days`",
        "",
    ),
    guess(
        r"(?P<bad>wait\s+for\s+([^\W\d]\w*(?:\([^)\n]*\))?))[ \t]*(?:[{\n]\s*|\})[^\n]*",
        "`\\g<bad>` has no end",
        r"say how long: `wait for \2 up to 3 days`",
        r"\g<bad> up to 1 day",
    ),
    row(
        r"(?P<bad>(?:sleep|delay|pause|hold)(?:\s+for)?)\s+\d",
        "`\\g<bad>` is no step",
        "write `wait`",
        "wait",
    ),
    row(
        rf"(?P<bad>(?:{_CHANNELS}))\s+[^\W\d]",
        "`\\g<bad>` is no step",
        r"write `send \g<bad> …`",
        r"send \g<bad>",
        needs="SEND",
    ),
    row(
        r"(?P<bad>exit|stop|finish|return|leave)(?!\w)",
        "`\\g<bad>` is no step",
        "write `end`: it ends the journey for this customer",
        "end",
        needs="SEND",
    ),
    row(
        r"(?P<bad>default|otherwise)\s*\{",
        "`\\g<bad>` is not a word here",
        "write `else`",
        "else",
    ),
    row(r"repeat\s+(?P<bad>)\d", "expected `up to` after `repeat`", "write `up to`", "up to "),
)

_DAYS = "day|week|month|monday|tuesday|wednesday|thursday|friday|saturday|sunday"

HEADS = (
    row(
        r"cases\s+(?P<bad>((?:[^\W\d]\w*,\s*)*[^\W\d]\w*))\s*\{",
        "the columns of a table are in parentheses",
        "for example `cases (points, outcome) {`",
        r"(\2)",
        needs="CASES",
    ),
    guess(
        r"(?P<bad>cases)(?!\s*\()(?!\w)",
        "`cases` is followed by the columns of its table",
        "for example `cases (points, outcome) {`",
        "cases (x)",
        needs="CASES",
    ),
    row(
        r"again(?P<bad>[ \t]*[=:])[ \t]*(?:never|always|after)(?!\w)",
        "`again` is a clause and takes no `=` or `:`",
        "write `again never`, `again always` or `again after 30 days`",
        "",
        is_late=True,
    ),
    row(
        rf"again[ \t]+(?P<bad>(?:(?:in|within|every)[ \t]+)?)\d+\s+{_UNITS}",
        "expected `after` between `again` and the duration",
        "for example `again after 30 days`",
        "after ",
    ),
    row(
        r"(?:on|for)\s+(?P<bad>(?:event|the|an?)\s+)[^\W\d]",
        "write only the name of the event",
        "for example `on purchase`",
        "",
    ),
    row(
        r"(?P<bad>starts?|begins?|trigger)\s+(?:on|from|when)(?!\w)",
        "`\\g<bad>` is not a word here",
        "a journey begins with `enter on EVENT` or `enter from segment SEGMENT`",
        "enter",
    ),
    row(
        r"enter\s+(?P<bad>(?:in\s+|by\s+)?segment)(?!\w)",
        "expected `from` after `enter`",
        "write `enter from segment SEGMENT`",
        "from segment",
    ),
    row(
        r"enter\s+from\s+(?P<bad>)(?!segment)[^\W\d]",
        "expected `segment` after `from`",
        "write `enter from segment SEGMENT`",
        "segment ",
    ),
    guess(
        r"enter\s+(?P<bad>when)(?!\w)",
        "`enter` needs an event or a segment",
        "write `enter on EVENT`, or declare a segment with the condition and write `enter from segment SEGMENT`",
        "on",
    ),
    guess(
        r"goal\s+[^\W\d]\w*\s+(?P<bad>=|:|is)",
        "a goal is an event or a condition",
        "write `goal NAME on EVENT` or `goal NAME when CONDITION`",
        "on",
        "when",
    ),
    row(
        r"(?:exit|goal|on|add|never)\s[^\n{}=]*?(?P<bad>if)(?!\w)",
        "`if` is not a word here",
        "write `when`",
        "when",
        "where",
        is_late=True,
    ),
    guess(
        r"(?P<bad>if)(?!\w)",
        "`if` is not a word here",
        "write `on EVENT` or `when CONDITION`",
        "on",
        "when",
        needs="ON WHEN",
    ),
    row(
        r"exit\s+(?P<bad>)(?!on\s|when\s)[^\W\d]\w*[ \t]*\n\s*[^\n]+",
        "expected `on` after `exit`",
        "write `exit on EVENT` or `exit when CONDITION`",
        "on ",
        is_certain=False,
    ),
    row(
        r"then\s+(?P<bad>goto)\s",
        "`goto` is not a word here",
        "write `go to`",
        "go to",
    ),
    row(
        rf"(?P<bad>in|after)\s+\d+\s+{_UNITS}",
        "`\\g<bad>` is not a word here",
        "write `within`",
        "within",
        needs="WITHIN",
        lacks="LAST",
    ),
    row(
        r"(?P<bad>max|maximum|no\s+more\s+than|up\s+to)\s+\d",
        "`\\g<bad>` is not a word here",
        "write `at most`",
        "at most",
        needs="AT QUIET",
    ),
    row(
        r"(?P<bad>in|within|an?|each|every)\s",
        "`\\g<bad>` is not a word here",
        "write `per`",
        "per",
        needs="PER",
        lacks="PLUS",
    ),
    row(
        r"(?P<bad>)[^\W\d]\w*(?:\([^)\n]*\))?\s+by\s",
        "expected `event` before the name of an event",
        "write `event`",
        "event ",
        needs="EVENT CLOCK",
    ),
    guess(
        r"message\s+(?P<bad>[^\W\d]\w*)\s*\{",
        "`message \\g<bad>` names no channel",
        r"for example `message email \g<bad>`",
        r"`…` \g<bad>",
    ),
    row(
        rf"(?:{_DECLARATIONS})\s+(?P<bad>[^\W\d]\w*(?:[ \t]*-[ \t]*\w+|[ \t]+\w+)+)(?=[ \t]*\{{)",
        "a name of several words",
        "join them with `_`, or write them in back-quotes",
        lambda m: re.sub(r"[ \t-]+", "_", m["bad"]),
        needs="LBRACE",
    ),
    guess(
        r"(?P<bad>)[^\W\d][\w.]*\s*(?:[<>]=?|!=)\s*\S",
        "expected `where` before a condition",
        "for example `where points > 1000`",
        "where ",
        needs="LBRACE TEXT",
    ),
    guess(
        r"(?P<bad>go\s*to|jump\s+to|goto)\s+[^\W\d]",
        "steps follow each other: there is no `\\g<bad>`",
        "put the steps into the branch, repeat them with `repeat up to 3 times { … }`, or share them with `run`",
        needs="SEND",
    ),
    guess(
        r"repeat\s*(?P<bad>\{|until\s|every\s|while\s|forever)",
        "a loop has a bound",
        "write `repeat up to 10 times …`; `every` and `until` come after it",
        needs="UP_TO",
    ),
    guess(
        r"(?P<bad>\}|[^\W\d][\w.]*\s*[={:])",
        "a value by cases ends with `else`",
        "say what the value is where no condition holds: `else 0`",
        needs="ELSE WHEN PLUS",
    ),
    guess(
        r"(?P<bad>when|if)\s+[^\W\d][\w.]*\s*(?:[<>=]|!=)",
        "`\\g<bad>` is not a word here",
        "write `where`",
        "where",
        needs="LBRACE",
        lacks="PLUS",
    ),
    row(
        r"(?P<bad>campaign|flow|workflow|program)\s+[^\W\d]",
        "there is no declaration `\\g<bad>`",
        "write `journey`",
        "journey",
        needs="KIND",
    ),
    row(
        r"(?P<bad>audience|group|cohort|list)\s+[^\W\d]",
        "there is no declaration `\\g<bad>`",
        "write `segment`",
        "segment",
        needs="KIND",
    ),
    row(
        r"(?P<bad>import|include)\s+[^\W\d]",
        "there is no declaration `\\g<bad>`",
        "write `use`",
        "use",
        needs="KIND",
    ),
    guess(
        rf"(?P<bad>every\s+(?:\d+\s+)?(?:{_DAYS})s?)[ \t]*(?:\n|\}}|$)",
        "`\\g<bad>` has no time",
        "write the time behind it, for example `\\g<bad> at 09:00`",
        r"\g<bad> at 09:00",
        is_late=True,
    ),
)
