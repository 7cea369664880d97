"""Results of tests as JUnit XML, which CI systems read."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from cij.runtime.story import Failure, StoryResult

# Characters that XML 1.0 does not allow, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(results: Sequence[tuple[StoryResult, float]]) -> str:
    """Return JUnit XML with a suite for each journey, in the order of their first test.

    Times are in seconds.
    """
    root = ElementTree.Element("testsuites", {"name": "cij", **_counts(results)})
    for journey in dict.fromkeys(result.story.journey for result, _ in results):
        inner = [(r, s) for r, s in results if r.story.journey == journey]
        about = {"name": _clean(journey), **_counts(inner)}
        suite = ElementTree.SubElement(root, "testsuite", about)
        for result, seconds in inner:
            _case(suite, result, seconds)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _text(root) + "\n"


def _text(root: ElementTree.Element) -> str:
    return ElementTree.tostring(root, encoding="unicode")


def _counts(results: Sequence[tuple[StoryResult, float]]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(not result.is_ok for result, _ in results)),
        "errors": "0",
        "time": f"{sum(seconds for _, seconds in results):.3f}",
    }


def _case(suite: ElementTree.Element, result: StoryResult, seconds: float) -> None:
    story = result.story
    case = ElementTree.SubElement(
        suite,
        "testcase",
        name=_clean(story.title),
        classname=_clean(story.journey),
        file=_clean(story.place.file),
        line=str(story.place.line),
        time=f"{seconds:.3f}",
    )
    for failure in result.failures:
        element = ElementTree.SubElement(case, "failure", message=_clean(_message(failure)))
        element.text = _clean("\n".join([str(failure.place), *failure.trace]))


def _message(failure: Failure) -> str:
    hint = f" ({failure.hint})" if failure.hint else ""
    return f"{failure.statement}; but: {failure.found}{hint}"


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
