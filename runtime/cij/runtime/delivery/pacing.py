"""How the rates of a way hold messages back, and what of that the store keeps over a restart.

A message counts when it is claimed. What is called back, or what a provider did not take because it was down,
is given back.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cij.runtime.delivery.outbox import Row
from cij.runtime.engine import Engine
from cij.runtime.rates import Limits, Rate
from cij.runtime.store import meta

# How many domains a line about held messages names.
_SHOWN_MAX = 5


@dataclass
class Pacing:
    """The rates of the way `name`. `until` has the instant of each rate (`rates.py`), by what it is called."""

    name: str
    limits: Limits = field(default_factory=Limits)
    until: dict[str, datetime] = field(default_factory=dict)

    def load(self, engine: Engine) -> None:
        """Go on where an earlier run was."""
        self.until = {what: at for what, (_, at) in kept(engine).get(self.name, {}).items()}

    def room(self, now: datetime, most: int) -> int:
        """Return how many messages may go now, up to `most`."""
        rates = self.limits.of_all(now).items()
        return min([most, *(rate.free(self.until.get(what), now) for what, rate in rates)])

    def full(self, now: datetime) -> tuple[str, ...]:
        """Return the domains to which nothing may go now."""
        return tuple(domain for domain, _ in self._full(now))

    def _full(self, now: datetime) -> list[tuple[str, Rate]]:
        # A domain without an instant has room.
        found = ((what, self.limits.of_domain(what)) for what in sorted(self.until))
        return [(d, rate) for d, rate in found if rate and rate.free(self.until[d], now) < 1]

    def those_that_may(self, rows: Sequence[Row], now: datetime) -> list[Row]:
        """Return the rows without those that are too many for their domain."""
        if not self.limits.domains:
            return list(rows)
        seen: Counter[str] = Counter()
        found = []
        for row in rows:
            domain = domain_of(row.address)
            seen[domain] += 1
            rate = self.limits.of_domain(domain)
            if rate is None or seen[domain] <= rate.free(self.until.get(domain), now):
                found.append(row)
        return found

    def take(self, rows: Iterable[Row], now: datetime) -> None:
        """Count rows that are claimed."""
        for what, rate, count in self._counted(rows, now):
            self.until[what] = rate.after(self.until.get(what), now, count)

    def give_back(self, rows: Iterable[Row], now: datetime) -> None:
        """Count rows no more that did not leave."""
        for what, rate, count in self._counted(rows, now):
            if what in self.until:
                self.until[what] -= count * rate.step

    def _counted(self, rows: Iterable[Row], now: datetime) -> list[tuple[str, Rate, int]]:
        given = list(rows)
        domains = Counter(domain_of(row.address) for row in given)
        of_all = [(what, rate, len(given)) for what, rate in self.limits.of_all(now).items()]
        found = ((d, self.limits.of_domain(d), count) for d, count in domains.items())
        return of_all + [(d, rate, count) for d, rate, count in found if rate is not None]

    def next_at(self, now: datetime) -> datetime | None:
        """Return when all messages or those to a domain may go again; None where nothing is held back."""
        of_all = self.limits.of_all(now).items()
        closed = [(w, r) for w, r in of_all if r.free(self.until.get(w), now) < 1]
        if closed:
            return max(rate.free_at(self.until.get(what), now) for what, rate in closed)
        return min((r.free_at(self.until[d], now) for d, r in self._full(now)), default=None)

    def held_by(self, now: datetime) -> str:
        """Return the rates that hold messages back, in words; empty where none does."""
        of_all = self.limits.of_all(now).items()
        found = [
            _called(what, rate) for what, rate in of_all if rate.free(self.until.get(what), now) < 1
        ]
        full = [_called(*each) for each in self._full(now)]
        found += full[:_SHOWN_MAX]
        if len(full) > _SHOWN_MAX:
            found.append(f"those of {len(full) - _SHOWN_MAX} more domains")
        return " and ".join(found)

    def note(self, engine: Engine, now: datetime) -> None:
        """Keep the instants in the store, in the transaction that claims the messages."""
        of_all, named = self.limits.of_all(now), self.limits.domains
        # Of all other domains only those that are held back matter, and there may be many.
        self.until = {
            w: at for w, at in self.until.items() if w in of_all or w in named or at > now
        }
        rates = {what: of_all.get(what) or self.limits.of_domain(what) for what in self.until}
        said = {w: [str(rate), self.until[w].isoformat()] for w, rate in rates.items() if rate}
        if of_all or named:
            meta.put(engine, meta.RATE + self.name, json.dumps(said))


def _called(what: str, rate: Rate) -> str:
    return str(rate) if what == "all" else f"{rate} ({what})"


def domain_of(address: str | None) -> str:
    """Return the domain of an address of mail in lower case; of any other address nothing."""
    # As the statement does that leaves rows of a domain out.
    return (address or "").split("@")[1].lower() if "@" in (address or "") else ""


def forget_others(engine: Engine, paced: Iterable[Pacing]) -> None:
    """Forget what is kept of ways that have no rate any more."""
    known = {one.name for one in paced if one.limits != Limits()}
    if gone := kept(engine).keys() - known:
        with engine.transaction():
            for name in gone:
                meta.forget(engine, meta.RATE + name)


def kept(engine: Engine) -> dict[str, dict[str, tuple[str, datetime]]]:
    """Return what the store keeps: the rate and its instant, by way and by what it is called."""
    found = {}
    for name, text in meta.of_prefix(engine, meta.RATE):
        said = json.loads(text)
        found[name] = {
            what: (rate, datetime.fromisoformat(at)) for what, (rate, at) in said.items()
        }
    return found
