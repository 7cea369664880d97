"""A small project with three exports, and how to read what they write."""

import json
from pathlib import Path
from typing import Any

DATA = """
source shop {
  kind = csv
  path = "shop.csv"
  key = id
  may_lose = 100%
  columns {
    id = text
    name = text
    points = integer
    spent = decimal
    seen = datetime
    country = text
  }
}
profile customer {
  from shop {
    name = name
    points = points
    spent = money(spent, EUR)
    seen = seen
    country = country
  }
}
measure twice { value = points * 2 }
event visit { fields { page = text } }
segment some { where points > 5 and not any(visit within last 1 month) }
"""
EXPORTS = """
export whole {
  segment = some
  fields = [name, spent, seen, twice]
  kind = csv
  path = "exports/some-{date}.csv"
  when = refresh
}
export diffs {
  segment = some
  fields = [name, points]
  kind = jsonl
  path = "exports/{date}/d-{instant}.jsonl"
  rows = changes
  every day at 06:00
}
export groups {
  measure = twice
  by = country
  segment = some
  kind = parquet
  path = "exports/g.parquet"
}
"""
HEAD = "id,name,points,spent,seen,country\n"
ANA, BOB = "1,Ana,7,12.50,2026-01-01T00:00:00Z,ES\n", "2,=cmd|' /C calc'!A0,9,,,DE\n"
EVE, LOW = "3,Eve,8,99.9999999999,,ES\n", "4,Low,1,,,\n"


def lines_of(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return sorted(found, key=lambda row: str(row["name"]))
