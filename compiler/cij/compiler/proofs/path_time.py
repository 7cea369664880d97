"""What is known of the local time at a point of a path: nothing, the time of day, or the weekday too."""

from dataclasses import dataclass

_DAY_S = 86400
_WEEK_S = 7 * _DAY_S


@dataclass(frozen=True, slots=True)
class Clock:
    """`shows_s` modulo `cycle_s` is the local time: a cycle of a day, of a week from Monday on, or
    of one second, which tells nothing."""

    cycle_s: int = 1
    shows_s: int = 0

    def covers(self, other: "Clock") -> bool:
        """Tell whether every time that `other` allows is allowed here."""
        return other.cycle_s % self.cycle_s == 0 and other.shows_s % self.cycle_s == self.shows_s

    def after(self, delay_s: int) -> "Clock":
        return Clock(self.cycle_s, (self.shows_s + delay_s) % self.cycle_s)

    def without_weekday(self) -> "Clock":
        cycle = min(self.cycle_s, _DAY_S)
        return Clock(cycle, self.shows_s % cycle)

    def until(self, second_of_day: int) -> tuple[int, "Clock"]:
        """Return the least delay to a time of day, now included, and the clock then."""
        if self.cycle_s == 1:
            return 0, Clock(_DAY_S, second_of_day)
        delay = (second_of_day - self.shows_s) % _DAY_S
        return delay, self.after(delay)

    def until_weekday(self, weekday: int, second_of_day: int) -> tuple[int, "Clock"]:
        """Return the least delay to a time of a weekday, 1 is Monday; it lies after now."""
        target = (weekday - 1) * _DAY_S + second_of_day
        then = Clock(_WEEK_S, target)
        if self.cycle_s == 1:
            return 0, then
        return (target - self.shows_s) % self.cycle_s or self.cycle_s, then


ANY_TIME = Clock()
