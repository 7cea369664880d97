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
from cij.runtime.delivery.rates import Limits, Rate
from cij.runtime.engine import Engine
from cij.runtime.store import meta


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
        domains = self.limits.domains.items()
        return tuple(d for d, rate in domains if rate.free(self.until.get(d), now) < 1)

    def those_that_may(self, rows: Sequence[Row], now: datetime) -> list[Row]:
        """Return the rows without those that are too many for their domain."""
        if not self.limits.domains:
            return list(rows)
        seen: Counter[str] = Counter()
        found = []
        for row in rows:
            domain = domain_of(row.address)
            seen[domain] += 1
            rate = self.limits.domains.get(domain)
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
        of_domains = self.limits.domains.items()
        return of_all + [(d, rate, domains[d]) for d, rate in of_domains if domains[d]]

    def next_at(self, now: datetime) -> datetime | None:
        """Return when all messages or those to a domain may go again; None where nothing is held back."""
        of_all = self.limits.of_all(now).items()
        closed = [(w, r) for w, r in of_all if r.free(self.until.get(w), now) < 1]
        if closed:
            return max(rate.free_at(self.until.get(what), now) for what, rate in closed)
        full = [(d, self.limits.domains[d]) for d in self.full(now)]
        return min((r.free_at(self.until.get(d), now) for d, r in full), default=None)

    def held_by(self, now: datetime) -> str:
        """Return the rates that hold messages back, in words; empty where none does."""
        of_all = self.limits.of_all(now).items()
        found = [
            _called(what, rate) for what, rate in of_all if rate.free(self.until.get(what), now) < 1
        ]
        found += [_called(domain, self.limits.domains[domain]) for domain in self.full(now)]
        return " and ".join(found)

    def note(self, engine: Engine, now: datetime) -> None:
        """Keep the instants in the store, in the transaction that claims the messages."""
        rates = {**self.limits.domains, **self.limits.of_all(now)}
        said = {
            what: [str(rate), self.until[what].isoformat()]
            for what, rate in rates.items()
            if what in self.until
        }
        if rates:
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
