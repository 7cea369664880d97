"""The table of diagnostic codes of all stages, one row for each.

`cij explain CODE` prints its page.

1xx syntax, 2xx names and types, 3xx flow, 4xx proofs, 5xx policy and consent,
6xx content and locales, 7xx versions, 8xx tests, 9xx style.
"""

from cij.grammar.diagnostic import Code, Severity

_ALL: list[Code] = []


def _error(code: str, slug: str, summary: str) -> Code:
    return _row(Code(code, slug, Severity.ERROR, summary))


def _warning(code: str, slug: str, summary: str) -> Code:
    return _row(Code(code, slug, Severity.WARNING, summary))


def _row(row: Code) -> Code:
    _ALL.append(row)
    return row


UNEXPECTED_TEXT = _error("CIJ101", "syntax", "the text does not fit the grammar here")
UNREADABLE_FILE = _error("CIJ102", "unreadable-file", "the file is not UTF-8 text of usable size")
BAD_LITERAL = _error(
    "CIJ103",
    "bad-literal",
    "the form is right, but there is no such date, time, number or character",
)
HIDDEN_CHARACTER = _error("CIJ104", "hidden-character", "a character that hides what is written")

NOT_YET_AVAILABLE = _error(
    "CIJ201", "not-yet-available", "part of the language, but not of this version"
)
UNKNOWN_NAME = _error("CIJ202", "unknown-name", "no declaration or field has this name")
DUPLICATE_NAME = _error("CIJ203", "duplicate-name", "two declarations of one kind share a name")
UNKNOWN_SETTING = _error("CIJ204", "unknown-setting", "the declaration has no such setting")
MISSING_SETTING = _error("CIJ205", "missing-setting", "the declaration needs this setting")
BAD_SETTING = _error("CIJ206", "bad-setting", "the setting takes another kind of value")
TYPE_MISMATCH = _error("CIJ207", "type-mismatch", "the two sides cannot be used together")
CURRENCY_MISMATCH = _error("CIJ208", "currency-mismatch", "two currencies in one expression")
CIRCULAR_DEFINITION = _error("CIJ209", "circular-definition", "a definition that needs itself")
UNKNOWN_COLUMNS = _error("CIJ210", "unknown-columns", "the columns of a source are not declared")
UNKNOWN_VALUE = _error("CIJ211", "unknown-value", "a text that is no value of the enum")
UNSEEN_VALUE = _warning("CIJ212", "unseen-value", "a value that no row of the data has")
INCLUDES_UNKNOWN = _warning(
    "CIJ213", "includes-unknown", "a condition that is true of unknown values"
)
BAD_PATTERN = _error("CIJ216", "bad-pattern", "a pattern that `matches` does not take")
SQL_PATTERN = _warning("CIJ217", "sql-pattern", "a `%` of SQL in a pattern of `matches`")
MAY_BE_MISSING = _error("CIJ215", "may-be-missing", "a value that is needed may be missing")

UNREACHABLE_STEP = _error("CIJ301", "unreachable-step", "no customer can reach this step")
EMPTY_JOURNEY = _error("CIJ302", "empty-journey", "a journey without entry or steps")
BAD_LABEL = _error("CIJ303", "bad-label", "the label names no step that fits")
ENDLESS_LOOP = _error("CIJ305", "endless-loop", "steps that can repeat without a wait")
UNUSED_FRAGMENT = _warning("CIJ306", "unused-fragment", "a fragment that no journey runs")
NOT_SENT_YET = _error("CIJ304", "not-sent-yet", "the message is not sent on every path to here")
CALENDAR_ONCE = _warning("CIJ307", "calendar-once", "a calendar entry that admits nobody twice")

IMPOSSIBLE_CONDITION = _error("CIJ401", "impossible-condition", "a condition that nobody satisfies")
ALWAYS_TRUE = _warning("CIJ402", "always-true", "a condition that everybody satisfies here")
UNREACHABLE_BRANCH = _warning("CIJ403", "unreachable-branch", "a branch that nobody can enter")
REPEATED_CASE = _warning("CIJ404", "repeated-case", "a value that is in two cases")
TRUE_AT_ENTRY = _warning("CIJ405", "true-at-entry", "a goal or exit that takes everybody at once")
MISSING_CASE = _warning("CIJ406", "missing-case", "a `switch` without a case for some values")

NO_CONSENT_RULE = _error("CIJ501", "no-consent-rule", "a send whose topic has no consent rule")
SEND_WITHOUT_CONSENT = _error(
    "CIJ502", "send-without-consent", "a send that needs consent by a policy"
)
OVER_CAP = _warning("CIJ503", "over-cap", "a journey that may send more than a policy allows")

UNKNOWN_PLACEHOLDER = _error("CIJ601", "unknown-placeholder", "the message uses an unknown name")
MISSING_DEFAULT = _error("CIJ602", "missing-default", "a placeholder that may have no value")
BAD_TEMPLATE = _error("CIJ603", "bad-template", "the template is not valid Liquid")
MISSING_PARAMETER = _error("CIJ604", "missing-parameter", "the send gives no such parameter")
UNUSED_PARAMETER = _warning("CIJ605", "unused-parameter", "the message does not use this parameter")
MISSING_CONTENT = _error("CIJ606", "missing-content", "the content file cannot be used")

BAD_CHANGE = _error("CIJ701", "bad-change", "a change of steps that does not fit the journey")

TEST_CUSTOMER = _error("CIJ801", "test-customer", "the test has not introduced this customer")
TEST_CLOCK = _error("CIJ802", "test-clock", "a test has one clock, before anything happens")
TEST_VALUE = _error("CIJ803", "test-value", "a value that a test cannot give")
TEST_STEP = _error("CIJ804", "test-step", "the tested journey has no step that fits this name")
TEST_NEVER = _error("CIJ805", "test-never", "the tested journey never does what the test expects")

TEST_CASES = _error("CIJ806", "test-cases", "a table of cases that does not fit the test")

BAD_SUPPRESSION = _warning("CIJ901", "bad-suppression", "a comment for cij that gives no reason")
UNKNOWN_SUPPRESSION = _warning("CIJ902", "unknown-suppression", "the allowed code does not exist")
ERROR_SUPPRESSION = _warning("CIJ903", "error-suppression", "only warnings can be allowed")
UNUSED_SUPPRESSION = _warning("CIJ904", "unused-suppression", "there is no such warning here")

EXPORT_CONTENT = _error("CIJ911", "export-content", "an export has a segment or a measure")
EXPORT_PATH = _error("CIJ912", "export-path", "an export cannot write to this path")
EXPORT_CHANGES = _error("CIJ913", "export-changes", "changes that an export cannot write")
EXPORT_TABLE = _error("CIJ914", "export-table", "an export cannot write to this table")

CODES: dict[str, Code] = {row.code: row for row in _ALL}
assert len(CODES) == len(_ALL), "two rows share a code"
