"""What the environment decides: variables in sources, paths that stay inside, zones of journeys."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cij.app.compile import compiled
from cij.cli.exits import Exit
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.runtime.delivery import Defaults
from cij.runtime.engine import Engine, open_engine
from cij.runtime.errors import ConfigError
from cij.runtime.runner import open_runner, step
from tests.example import inside, run_once, status

_NOW = datetime(2026, 3, 2, 9)

_JOURNEYS = """
source shop {
  kind = csv
  path = PATH
  key = id
  columns {
    id = text
    email = text
    zone = text
  }
}

profile customer {
  from shop {
    email = email
    timezone = zone
  }
}

segment everybody {
  where email is known
}

journey j {
  enter from segment everybody
  timezone = "Asia/Tokyo"
  steps {
    pause: wait 1 day at 09:00
  }
}
"""


def _project(folder: Path, path: str) -> Program:
    folder.mkdir()
    (folder / "cij.toml").write_text('[project]\nname = "p"\ntimezone = "Europe/Madrid"\n')
    (folder / "j.journey").write_text(_JOURNEYS.replace("PATH", path))
    return compiled(folder)[1]


def _ran(folder: Path, program: Program) -> Engine:
    engine = open_engine(None)
    runner, _ = open_runner(engine, program, folder, {}, Defaults(), _NOW)
    step(runner, _NOW, with_refresh=True)
    return engine


def _rows(path: Path) -> None:
    path.write_text(
        "id,email,zone\n1,a@x.example,\n2,b@x.example,Europe/London\n3,c@x.example,Mars\n"
    )


def test_a_source_may_take_its_path_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = _project(tmp_path / "p", 'env("SHOP_CSV")')
    _rows(tmp_path / "outside.csv")
    monkeypatch.setenv("SHOP_CSV", str(tmp_path / "outside.csv"))
    engine = _ran(tmp_path / "p", program)
    assert engine.rows(query("SELECT COUNT(*) FROM customer")) == [(3,)]


def test_a_missing_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _project(tmp_path / "p", 'env("SHOP_CSV")')
    monkeypatch.delenv("SHOP_CSV", raising=False)
    with pytest.raises(ConfigError, match="SHOP_CSV"):
        _ran(tmp_path / "p", program)


@pytest.mark.parametrize("path", ["../outside.csv", "link.csv"])
def test_a_written_path_stays_inside_the_project(tmp_path: Path, path: str) -> None:
    program = _project(tmp_path / "p", f'"{path}"')
    _rows(tmp_path / "outside.csv")
    (tmp_path / "p" / "link.csv").symlink_to(tmp_path / "outside.csv")
    engine = _ran(tmp_path / "p", program)
    (failed,) = engine.rows(query("SELECT a.reason FROM aside AS a"))
    assert "leads out" in failed[0]
    assert engine.rows(query("SELECT COUNT(*) FROM customer")) == [(0,)]


def test_the_zone_is_the_customers_else_the_journeys(tmp_path: Path) -> None:
    program = _project(tmp_path / "p", '"in.csv"')
    _rows(tmp_path / "p" / "in.csv")
    engine = _ran(tmp_path / "p", program)
    wakes = engine.rows(
        query(
            "SELECT c.email, p.wake_at FROM passage AS p JOIN customer AS c ON c.id = p.customer "
            "ORDER BY c.email"
        )
    )
    tokyo, london = datetime(2026, 3, 3, 0), datetime(2026, 3, 3, 9)
    assert wakes == [("a@x.example", tokyo), ("b@x.example", london), ("c@x.example", tokyo)]


@pytest.mark.slow
def test_a_zone_that_does_not_exist_is_told_by_run_status_and_doctor(tmp_path: Path) -> None:
    root = tmp_path / "p"
    _project(root, '"in.csv"')
    rows = "1,a@x.example,Europe/Berln\n2,b@x.example,Europe/Berlin\n3,c@x.example,Mars\n"
    rows += "4,d@x.example,\n5,e@x.example,Europe/Berln\n"
    (root / "in.csv").write_text("id,email,zone\n" + rows)
    assert _zones_told(run_once(root)) == [("Europe/Berln", 2), ("Mars", 1)]
    assert _zones_told(status(root)) == [("Europe/Berln", 2), ("Mars", 1)]
    _, out, _ = inside("status", str(root))
    assert "Time zones that do not exist\n" in out and "the journey's, else Europe/Madrid" in out
    code, out, _ = inside("doctor", str(root))
    assert code == Exit.OK and "warn  customers' zone" in out
    assert '"Europe/Berln" does not exist; did you mean `Europe/Berlin`' in out
    assert "2 customers, one is c" in out and "1 customer, one is c" in out


def _zones_told(report: dict[str, Any]) -> list[tuple[str, int]]:
    return [(z["zone"], z["count"]) for z in report["unknown_zones"]]
