"""The lint of conditions that are also true of unknown values."""

import pytest

from cij.compiler.column_statistics import Catalog, ColumnStatistics
from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.grammar import codes

DATA = """
source shop {{
  kind = csv
  path = "a.csv"
  key = id
  columns {{
    id = text
    country = text
    tier = enum("gold", "silver")
    points = integer
    vip = boolean
    full = text
  }}
}}

profile customer {{
  from shop {{
    country = lower(country)
    tier = tier
    points = points
    vip = vip
    full = full
  }}
}}

event purchase {{
  fields {{
    amount = integer
  }}
}}

segment some {{
  where {where}
}}
"""
CATALOG: Catalog = {
    "shop": {
        "country": ColumnStatistics("text", 0.125),
        "tier": ColumnStatistics("text", 0.5),
        "points": ColumnStatistics("integer", 0.01),
        "vip": ColumnStatistics("boolean", 0.25),
        "full": ColumnStatistics("text", 0.0),
    }
}


def found(text: str, catalog: Catalog = CATALOG) -> list[str]:
    made = compile_project(ProjectSettings("x", "UTC"), {"a.journey": text}, {}, catalog)
    assert not any(d.is_error for d in made.diagnostics), made.diagnostics
    return [d.message for d in made.diagnostics if d.code == codes.INCLUDES_UNKNOWN.code]


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ('country != "us"', 1),
        ('country not in ["us", "ca"]', 1),
        ("points not between 1 and 5", 1),
        ("not (points > 5)", 1),
        ("not vip", 1),
        ('points != 3 and tier != "gold"', 2),
        ('not (points = 3 or tier = "gold")', 2),
        ('points > 3 and (tier != "gold" or vip)', 1),
        ("vip != true", 1),
        ('country = "us"', 0),
        ('full != "us"', 0),
        ("not any(purchase)", 0),
        ('country != "us" and country is known', 0),
        ('country != "us" or country is unknown', 0),
        ('(country ?? "us") != "us"', 0),
        ('country != "us" and country in ["ca", "mx"]', 0),
        ('country != "us" and country starts with "u"', 0),
        ("not (points > 5) and points > 1", 0),
        ("not (points != 5)", 0),
        ("not not (points > 5)", 0),
    ],
)
def test_what_is_true_of_unknown_values_is_told(condition: str, count: int) -> None:
    assert len(found(DATA.format(where=condition))) == count


def test_the_share_is_told() -> None:
    [message] = found(DATA.format(where='country != "us"'))
    assert "if `country` is unknown, as in 12.5% of the rows of `shop.country`" in message


def test_without_a_catalog_nothing_is_told() -> None:
    assert found(DATA.format(where='country != "us"'), {}) == []


def test_exceptions_say_whom_they_take_out() -> None:
    text = DATA.format(where='points > 3\n  except country = "us"')
    assert found(text) == []


def test_a_comment_silences_it() -> None:
    comment = "# cij: allow CIJ213 because unknown countries are ours"
    text = DATA.format(where='country != "us"').replace("  where", f"  {comment}\n  where")
    assert found(text) == []


JOURNEY = """
journey go {{
  enter from segment some
  suppress = tier != "gold"
  exit gone when country != "us"

  steps {{
    if {guard} {{
      end a
    }}
    end b
  }}
}}
"""


@pytest.mark.parametrize(
    ("guard", "count"),
    [
        ("points != 3", 2),  # the entry needs known points
        ("vip != true", 3),
        ("not vip", 3),
        ('country = "us"', 2),
    ],
)
def test_journeys_know_what_their_entry_promises(guard: str, count: int) -> None:
    text = DATA.format(where="points > 2") + JOURNEY.format(guard=guard)
    assert len(found(text)) == count
