"""What `cij doctor` says of the rates of a way."""

from collections.abc import Iterator

from cij.app.delivery_way import Way
from cij.app.finding import Finding
from cij.runtime.clock import LiveClock
from cij.runtime.rates import EACH_OTHER, Rate

_DAY_HOURS = 24


def rate_findings(name: str, way: Way) -> Iterator[Finding]:
    """Yield what the rates are today, and a warning for one that never holds anything back."""
    limits, now = way.limits(), LiveClock().now()
    rates = limits.of_all(now)
    said = [f"{rate}{' (warm-up)' * (what == 'warm-up')}" for what, rate in rates.items()]
    said += [f"{rate} to {_called(domain)}" for domain, rate in limits.domains.items()]
    if said:
        yield Finding("ok", f"{name} rates", ", ".join(said))
    if limits.warm_up is not None and "warm-up" not in rates:
        text = "the warm-up is over: `warm_up` can be removed"
        yield Finding("warn", f"{name} rates", text)
    for domain, rate in limits.domains.items():
        if limits.rate is not None and _per_day(rate) > _per_day(limits.rate):
            text = f"{rate} to {_called(domain)} is more than all messages together may be: {limits.rate}"
            yield Finding("warn", f"{name} rates", text)


def _called(domain: str) -> str:
    return "each other domain" if domain == EACH_OTHER else domain


def _per_day(rate: Rate) -> float:
    return rate.per_hour * _DAY_HOURS if rate.unit != "day" else rate.count
