"""Which names a template reads, and what is refused in it."""

import pytest
from hypothesis import given, settings, strategies as st

from cij.compiler import liquid_filters, liquid_syntax
from cij.compiler.placeholder import Placeholder
from cij.compiler.placeholders import placeholders, plain
from cij.runtime.delivery import dialect
from tests.draws import draws


def _read(text: str) -> list[Placeholder]:
    found, error = placeholders(text)
    assert error is None, error
    return found


def _needing_default(text: str) -> list[str]:
    """The names that the compiler must ask a default for when their value can be missing."""
    return [".".join(p.path) for p in _read(text) if not (p.has_default or p.is_tested)]


def test_places_are_code_points_of_the_text() -> None:
    text = "¡Hola 🎉 {{ first_name }}, {{trigger.total}}!"
    assert [(p.path, text[p.index :][:5]) for p in _read(text)] == [
        (("first_name",), "first"),
        (("trigger", "total"), "trigg"),
    ]


def test_names_may_be_in_any_script_or_in_brackets() -> None:
    assert [p.path for p in _read('{{ שם }} {{ ["Puntos de fidelización"] }}')] == [
        ("שם",),
        ("Puntos de fidelización",),
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ a }}", ["a"]),
        ("{{ a | upcase }}", ["a"]),
        ("{{ a | default: 'x' }}", []),
        ("{{ a | upcase | default: 'x' }}", []),
        ("{{ a | default: b }}", ["b"]),
        ("{{ a | default: b | default: 'x' }}", []),
        ("{{ 'x' | append: a }}", ["a"]),
        ("{% assign n = a %}{{ n }}", ["a"]),
        ("{% capture c %}{{ a }}{% endcapture %}{{ c }}", ["a"]),
        ("{% raw %}{{ a }}{% endraw %}{% comment %}{{ b }}{% endcomment %}{% # {{ c }} %}", []),
        ("{% for x in (1..3) %}{{ x }}{{ forloop.index }}{{ a }}{% endfor %}{{ x }}", ["a", "x"]),
        ("{{ now }}", ["now"]),
    ],
)
def test_what_is_printed_needs_a_value(text: str, names: list[str]) -> None:
    assert _needing_default(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{% if a %}{{ a }}{% else %}{{ a }}{% endif %}{{ a }}", ["a", "a"]),
        ("{% if a and b > 3 %}{{ a }}{{ b }}{% endif %}", []),
        ("{% if a or b %}{{ a }}{% endif %}", ["a"]),
        ("{% if a == 'x' or a == 'y' %}{{ a }}{% endif %}", []),
        ("{% if a == b %}{{ a }}{% endif %}", ["a"]),
        (
            "{% if a == nil %}no{% elsif b %}{{ a }}{{ b }}{% else %}{{ a }}{{ b }}{% endif %}",
            ["b"],
        ),
        ("{% if a != nil %}{{ a }}{% else %}{{ a }}{% endif %}", ["a"]),
        ("{% if a != 'x' %}{{ a }}{% endif %}", ["a"]),
        ("{% unless a %}{{ a }}{% else %}{{ a }}{% endunless %}", ["a"]),
        ("{% unless a == nil or b == nil %}{{ a }}{{ b }}{% endunless %}", []),
        ("{% case a %}{% when 'x', 'y' %}{{ a }}{% when b %}{{ a }}{% endcase %}", ["a"]),
        ("{% if trigger.a %}{{ trigger.a }}{{ trigger.b }}{% endif %}", ["trigger.b"]),
        ("{% if a contains 'x' %}{{ a }}{% endif %}", []),
    ],
)
def test_a_condition_tells_what_is_known(text: str, names: list[str]) -> None:
    assert _needing_default(text) == names


def test_what_is_only_tested_is_told_apart() -> None:
    assert _read("{% if a %}x{% endif %}") == [Placeholder(("a",), 6, is_tested=True)]


def test_a_local_name_counts_on_the_ways_that_assign_it() -> None:
    both = "{% if a %}{% assign t = 1 %}{% else %}{% assign t = 2 %}{% endif %}{{ t }}"
    assert _needing_default(both) == []
    one = "{% if a %}{% assign t = 1 %}{{ t }}{% endif %}"
    assert _needing_default(one + "{{ t | default: 2 }}") == []
    found, error = placeholders(one + "{{ t }}")
    assert error and error.message.startswith("`t` is not assigned on every path")
    assert error.index == len(one) + 3
    assert [p.path for p in found] == [("a",)]


@pytest.mark.parametrize(
    ("text", "message", "index"),
    [
        ("x {% include 'f' %}", "cannot use the tag `include`", 5),
        ("{% render 'f' %}", "cannot use the tag `render`", 3),
        ("{% increment a %}", "cannot use the tag `increment`", 3),
        ("{% echo a %}", "cannot use the tag `echo`", 3),
        ("{% liquid assign a = 1 %}", "cannot use the tag `liquid`", 3),
        ("{% cycle 'a', 'b' %}", "cannot use the tag `cycle`", 3),
        ("{% tablerow a in b %}{% endtablerow %}", "cannot use the tag `tablerow`", 3),
        ("{% fro x in y %}", "did you mean `for`?", 3),
        ("a {{ b | upcas }}", "there is no filter `upcas`; did you mean `upcase`?", 9),
        ("{{ b | escape }}", "values are escaped", 7),
        ("{{ b | safe }}", "values are escaped", 7),
        ("{{ b | append }}", "`append` takes one argument, and has 0 here", 7),
        ("{{ b | upcase: 1 }}", "`upcase` takes no argument, and has 1 here", 7),
        ("{{ b | replace: 'a', 'b', 'c' }}", "`replace` takes one or two arguments", 7),
        ("{{ b | date }}", "`date` takes one argument, and has 0 here", 7),
        ("{{ b | date: 5 }}", "`date` takes a text here, and `5` is none", 7),
        ("{{ b | slice: 'a' }}", "`slice` takes a whole number here, and `'a'` is none", 7),
        ("{{ b | round: 1.5 }}", "`round` takes a whole number here", 7),
        ("{{ b | plus: true }}", "`plus` takes a number here, and `true` is none", 7),
        ("{% assign c = b | times: 'x' %}", "`times` takes a number here", 18),
        ("{{ b | default: 1, allow: true }}", "`default` has no argument `allow`", 7),
        ("é {% if x %}a", "`if` is never closed: write {% endif %}", 5),
        ("{% if x %}{% for y in z %}{% endif %}", "write {% endfor %}", 29),
        ("{% if x %}a{% fi %}", "`fi` does not close it: write {% endif %}", 14),
        ("{% if x %}a{% end if %}", "`end` does not close it: write {% endif %}", 14),
        ("{% if x %}a{% /if %}", "a tag does not begin with `/`: write {% endif %}", 11),
        ("{% if x %}{% elseif y %}{% endif %}", "write {% elsif … %}", 13),
        ("{% if x %}{% esle %}b{% endif %}", "did you mean `else`?", 13),
        ("{% endif %}", "`endif` closes nothing here", 3),
        ("{{ b", "expected '}}'", 0),
        ("{{ }}", "expected a primitive expression, found the end", 2),
        ("{{ a b }}", "found word", 5),
        ("{{ a[b] }}", "a name in brackets is a quoted text", 3),
        ("{% if x %}{% else y %}{% endif %}", "did you mean 'elsif'?", 18),
    ],
)
def test_what_is_refused(text: str, message: str, index: int) -> None:
    _, error = placeholders(text)
    assert error is not None
    assert message in error.message
    assert error.index == index


def test_arguments_that_fit_are_none() -> None:
    for used in (
        "append: 1",
        "default: 'x', allow_false: true",
        "default",
        "divided_by: '2.5'",
        "join",
        "plus: other",
        "replace: 'a'",
        "round: 2",
        "slice: -3, 2",
        "sort: 'name'",
        "truncate: 5, ''",
        "truncate",
    ):
        assert placeholders(f"{{{{ b | upcase | {used} }}}}")[1] is None, used


@given(st.text(alphabet=st.sampled_from(list("{}%|:' ab.[]\n-#ifendfor=שם"))))
def test_any_text_gives_an_answer(text: str) -> None:
    found, error = placeholders(text)
    assert all(0 <= p.index < len(text) for p in found)
    assert error is None or 0 <= error.index <= len(text)


def test_the_runtime_speaks_the_same_dialect() -> None:
    assert dialect.TAGS == liquid_syntax.TAGS
    assert dialect.FILTERS == liquid_filters.FILTERS


# --- without Liquid ---------------------------------------------------------------------------

_PIECES = (
    *("{{", "}}", "{", "}", "{%", "%}", "{#", "|", ":", ".", " ", "\n", "-", "'", '"', "Hi ", "á"),
    *("a", "b_2", "customer", "default", "upcase", "nil", "true", "blank", "contains", "and", "if"),
    *("{{ a }}", "{{a.b}}", "{{ a | default: 'x y' }}", '{{ a | default: "" }}', "'x'", "1"),
)


@pytest.mark.parametrize("text", ["{{ a }}", "{{a.b|default:'x'}}, 20% {off}", "", "Hi {"])
def test_what_only_prints_names_is_read_without_liquid(text: str) -> None:
    assert plain(text) is not None


@settings(max_examples=draws(500))
@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_reading_without_liquid_is_reading_with_it(text: str) -> None:
    found = plain(text)
    if found is not None:
        assert (found, None) == liquid_syntax.walked(text)


_WORDS = """
    and or not in contains if unless else elsif endif for endfor case when with as by cols limit
    offset reversed continue break true false nil null none None empty blank default forloop
    required assign capture raw comment cycle include render liquid echo tablerow range first last size
"""


@pytest.mark.parametrize("word", _WORDS.split())
def test_any_word_is_read_as_liquid_reads_it(word: str) -> None:
    for text in (f"{{{{ {word} }}}}", f"{{{{ a.{word} }}}}", f"{{{{ {word}.a }}}}"):
        found = plain(text)
        assert found is None or (found, None) == liquid_syntax.walked(text)
