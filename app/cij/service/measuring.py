"""What the service counts, as Prometheus reads it. No name or value tells anything about a customer."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from cij.runtime.runner import StepReport

# From an answer without a sync to one that waits for a long step.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Measures:
    """The counters of one service."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.requests = Counter(
            "cij_http_requests",
            "Requests by route, method and status.",
            ("route", "method", "status"),
            registry=registry,
        )
        self.request_s = Histogram(
            "cij_http_request_seconds",
            "How long requests took, by route.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.events = Counter(
            "cij_events_received", "Events that are safe, by door.", ("door",), registry=registry
        )
        self.left_out = Counter(
            "cij_properties_left_out",
            "Properties of Segment's calls that no event declares.",
            registry=registry,
        )
        self.unkept = Counter(
            "cij_tracking_not_kept",
            "Opens and clicks that were answered and could not be kept.",
            ("event",),
            registry=registry,
        )
        self.steps = Counter("cij_steps", "Steps of the run.", registry=registry)
        self.taken = Counter("cij_events_taken_in", "Events that journeys saw.", registry=registry)
        self.aside = Counter("cij_events_put_aside", "Events that do not fit.", registry=registry)
        self.entered = Counter("cij_entries", "Entries into journeys.", registry=registry)
        self.moves = Counter("cij_moves", "Moves of customers.", registry=registry)
        self.messages = Counter(
            "cij_messages", "Messages by what became of them.", ("outcome",), registry=registry
        )
        self.last_step = Gauge(
            "cij_last_step_timestamp_seconds", "When the last step began.", registry=registry
        )

    def count_step(self, made: StepReport, at_s: float) -> None:
        """Count what a step of the run did. `at_s` is when it began, in seconds since 1970."""
        self.steps.inc()
        self.last_step.set(at_s)
        self.taken.inc(made.events)
        self.aside.inc(len(made.refused))
        self.entered.inc(made.entered)
        self.moves.inc(made.moves)
        for outcome, count in made.delivery.counts.items():
            self.messages.labels(outcome).inc(count)

    def text(self) -> bytes:
        """Return all counters in the text format of Prometheus."""
        return generate_latest(self._registry)
