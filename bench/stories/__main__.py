"""`python -m bench.stories`: milliseconds a `test` block, after start.

A journey of 30 days with a send, three waits, a branch and a reminder, and all tests of the examples.
Each is played once to build what its journey needs, and then measured.
"""

import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

from cij.app.compile import compiled_stories
from cij.compiler.story import Story
from cij.runtime.story import StoryPlayer

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
ROUNDS = 5
TOML = '[project]\nname = "bench"\ntimezone = "Europe/Madrid"\n'
JOURNEY = """
source people {
  kind = csv
  path = "people.csv"
  key = person
  columns {
    person = text
    email = text
    points = integer
  }
}

profile customer {
  from people {
    email = email
    points = points
  }
}

topic news {
  channels = [email]
  consent = opt_in
}

event visit {
  fields {
    page = text
  }
}

message email hello {
  topic = news
  locale "en" {
    subject = "Hello"
    body = "Hello"
  }
}

journey month {
  enter on visit

  steps {
    first: send email hello
    look: wait for opened(first) up to 10 days
    if points > 10 {
      second: send email hello
    }
    half: wait 10 days at 09:00
    third: send email hello
    last: wait 10 days
    end done
  }
}

test "thirty days" for month {
  clock 2026-03-02 10:00
  given customer "ana" {
    email = "ana@example.com"
    points = 20
    consent.news = true
  }
  event visit by "ana" {
    page = "start"
  }
  expect sent email hello to "ana" at 2026-03-02 10:00
  after 2 days event opened(first) by "ana"
  expect "ana" waiting at half
  after 28 days
  expect "ana" ended as done
}
"""


def main() -> None:
    """Measure and print."""
    print(f"{'':<24} {'tests':>6} {'first ms':>10} {'median ms':>10} {'worst ms':>10}")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "cij.toml").write_text(TOML)
        Path(folder, "month.journey").write_text(JOURNEY)
        _measure("30 days", Path(folder))
    for example in sorted(p for p in EXAMPLES.iterdir() if p.is_dir()):
        _measure(example.name, example)


def _measure(name: str, folder: Path) -> None:
    program, stories = compiled_stories(folder)
    with closing(StoryPlayer(program, is_telling=False)) as player:
        first, *times = [[_ms(player, story) for story in stories] for _ in range(ROUNDS + 1)]
    best = [min(each) for each in zip(*times, strict=True)]
    print(
        f"{name:<24} {len(stories):>6} {max(first):>10.0f} {median(best):>10.1f} {max(best):>10.1f}"
    )


def _ms(player: StoryPlayer, story: Story) -> float:
    start = time.perf_counter()
    assert player.play(story).is_ok, "a test of the bench passes"
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()
