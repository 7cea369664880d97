"""Draw the steps of journeys and fragments."""

from random import Random

from tests.agreement.batch_settings import DURATIONS
from tests.agreement.drawing_conditions import DrawingConditions

CALENDAR = ("1 day", "2 days", "1 week", "1 month")
TIMES = ("09:00", "02:30", "00:00", "02:00", "01:30")
EVENTS = ("purchase", "visited", "opened", "unsubscribed")


class DrawingSteps(DrawingConditions):
    """Draws steps, nested up to a depth."""

    def _block(self, depth: int, least: int) -> str:
        before = list(self.sends), list(self.calls)
        lines = [self._step(depth) for _ in range(self.random.randint(least, 3))]
        if self.is_(6):
            lines.append(f"{self._label('e')}: {self.pick(['end', 'end done'])}")
        self.sends, self.calls = before
        return "{\n" + "\n".join(lines) + "\n}"

    def _label(self, letter: str) -> str:
        self.made += 1
        return f"{letter}{self.made}"

    def _step(self, depth: int) -> str:
        self.left -= 1
        leaves = ["send", "send", "wait", "until", "set"] + ["emit"] * self.is_(3)
        leaves += ["do"] * self.batch.has_calls
        leaves += ["send"] * 3 * bool(self.batch.policies)
        inner = ["for", "for", "first", "first", "if", "switch", "split", "repeat"]
        inner += [] if self.is_inside else ["run"]
        form = self.pick([*leaves, *inner] if depth and self.left > 0 else leaves)
        label = self._label(form[0])
        if form == "send":
            text = self._send() + self._asked(label)
            self.sends += [label] * text.startswith("send email")
        else:
            text = self._short(form) or self._long(form, depth)
            self.calls += [label] * (form == "do")
        return f"{label}: {text}"

    def _asked(self, send: str) -> str:
        """Return a step behind a send that asks what has become of it; nothing for most."""
        # Its own generator: the other steps stay as they were.
        random = Random(f"outcome {self.seed} {self.made}")
        if self.is_inside or random.randrange(4):
            return ""
        kinds = random.sample(["no_consent", "suppressed", "no_address", "capped", "withheld"], 3)
        listed = ", ".join(f'"{kind}"' for kind in kinds)
        then = f"{self._label('s')}: set stage = {random.choice(['7', 'points'])}"
        return f"\n{self._label('o')}: if {send}.outcome in [{listed}] {{\n{then}\n}}"

    def _asking(self) -> str:
        """Return a call and a wait for its answer, as the first steps of a journey."""
        call = self._label("d")
        text = f"{call}: {self._short('do')}\n"
        self.calls.append(call)
        between = self.pick(["", "", f"{self._label('w')}: wait {self.pick(DURATIONS)}\n"])
        where, length, label = self.where("done", 3), self.pick(DURATIONS), self._label("f")
        wait = f"wait for done({call}){where} up to {length} {self._block(1, 0)}"
        follow = f"if {self.result()} {self._block(1, 1)} else {self._block(1, 1)}"
        follow = self.pick(["", f"{self._label('i')}: {follow}\n"])
        return f"{text}{between}{label}: {wait} else {self._block(1, 0)}\n{follow}"

    def _consenting(self, random: Random) -> str:
        """Return a change of consent as the first step of a journey; nothing for most.

        It comes first, so no event that it raises is one of its causes.
        """
        if random.randrange(5):
            return ""
        label = self._label("y")
        verb = random.choice(["give", "give", "withdraw"])
        return f"{label}: {verb} consent news{random.choice(['', ' by email', ' by sms'])}\n"

    def _many(self) -> str:
        """Return sends as the first steps of a journey, where a cap has room for two."""
        if not any(cap.startswith("at most 2") for cap in self.batch.caps):
            return ""
        text = ""
        for _ in range(4):
            text += f"{self._label('s')}: send {self.pick(['sms text', 'email hello'])}\n"
            text += f"{self._label('w')}: wait {self.pick(['1 hour', '1 day', '2 days'])}\n"
        return text

    def _short(self, form: str) -> str | None:
        """Return a step without steps inside."""
        match form:
            case "wait" if self.is_(2):
                return f"wait {self.pick(CALENDAR)} at {self.pick(TIMES)}"
            case "wait":
                return f"wait {self.pick(DURATIONS)}"
            case "until":
                return self._until()
            case "set":
                value = self.pick(["points", "(stage ?? 0) + 1", "count(purchase)"])
                return f"set stage = {self._by_cases(value)}"
            case "emit":
                return f"emit raised {{ level = {self.pick(['1', 'points', 'stage'])} }}"
            case "do":
                about, word = (
                    self.pick(["points", "count(visited)"]),
                    self.pick(["language", '"x"']),
                )
                return f"do ask {{\nabout = {about}\nword = {word}\n}}"
            case "run":
                return f"run f{self.seed}({self.pick(['3', 'points', 'count(visited)'])})"
        return None

    def _by_cases(self, value: str) -> str:
        """Return the value, or one by cases with it."""
        # Its own generator: the other steps stay as they were.
        random = Random(f"cases {self.seed} {self.made}")
        if random.randrange(4):
            return value
        conditions = random.sample(["points > 3", "vip", "any(purchase)", "stage is known"], 2)
        return f"when {conditions[0]} then {value} when {conditions[1]} then 2 else points"

    def _long(self, form: str, depth: int) -> str:
        match form:
            case "repeat":
                return self._repeat(depth)
            case "for" | "first":
                return self._events(form, depth)
            case "if":
                text = f"if {self.condition()} {self._block(depth - 1, 0)}"
                return text + (f" else {self._block(depth - 1, 1)}" if self.is_(2) else "")
            case "switch":
                text = f'switch language {{ case "en", "es" {self._block(depth - 1, 1)}'
                return text + (f" else {self._block(depth - 1, 0)} }}")
        text = f"split ab{self.made} {{ 45% x {self._block(depth - 1, 1)}"
        return text + f" 30.5% y {self._block(depth - 1, 0)} }}"

    def _repeat(self, depth: int) -> str:
        until = f" until {self.condition(0)}" if self.is_(2) else ""
        every = f" every {self.pick(DURATIONS)}"
        return f"repeat up to {self.pick([2, 3])} times{every}{until} {self._block(depth - 1, 1)}"

    def _send(self) -> str:
        if not self.is_(6 if self.batch.policies else 3):
            often = ["email hello", "email hello", "sms text"]
            rare = ["email flash", "email flash", "sms ping", "sms ping", "email receipt"]
            return f"send {self.pick(rare if self.is_(2 if self.batch.policies else 8) else often)}"
        word = self.pick(["first_name", "last(visited.page)", "now()", "seen", "today()"])
        number = self.pick(["count(purchase)", "points", "sum(purchase.items within last 2 days)"])
        return f"send email code {{\nword = {word}\nnumber = {number}\n}}"

    def _until(self) -> str:
        at = f" at {self.pick(TIMES)}"
        mark = self.pick(self.marks)
        moments = [
            f"{self.pick(['monday', 'sunday', 'friday'])}{self.pick(['', at, at])}",
            f"{mark.isoformat(' ')[:16]}",
            f"{mark.date()}{self.pick(['', at])}",
            f"last(purchase.at) + {self.pick(DURATIONS)}{self.pick(['', at])}",
            f"seen{self.pick(['', at])}",
            f"(now() + {self.pick(DURATIONS)}){self.pick(['', at])}",
        ]
        if self.trigger:
            moments.append(f"trigger.at + {self.pick(DURATIONS)}")
        moment = str(self.pick(moments))
        # No draw of its own: the seeds stay what they are.
        is_zoned = moment.startswith(("sunday at", f"{mark.date()} at"))
        return f"wait until {moment}" + (' in "America/New_York"' if is_zoned else "")

    def _events(self, form: str, depth: int) -> str:
        length = self.pick(DURATIONS)
        if form == "for":
            pattern, block = self._named(self._pattern(), self._block(depth - 1, 0))
            text = f"wait for {pattern} up to {length} {block}"
            return text + (f" else {self._block(depth - 1, 0)}" if self.is_(2) else "")
        arms = [
            f"{self._arm()} {self._block(depth - 1, 0)}" for _ in range(self.random.randint(2, 3))
        ]
        otherwise = f"else {self._block(depth - 1, 0)}\n" if self.is_(2) else ""
        return f"wait up to {length} {{\n" + "\n".join(arms) + f"\n{otherwise}}}"

    def _named(self, pattern: str, block: str) -> tuple[str, str]:
        """Return a pattern with a name, and the steps of its arm with one that reads by this name."""
        # Its own generator: the other steps stay as they were.
        random = Random(f"name {self.seed} {self.made}")
        if not pattern.startswith("purchase") or self.is_inside or random.randrange(3):
            return pattern, block
        name = self._label("n")
        between = random.choice(["", f"{self._label('w')}: wait {random.choice(DURATIONS)}\n"])
        reading = f"{between}{self._label('q')}: set stage = {name}.items\n"
        named = pattern.replace("purchase", f"purchase as {name}", 1)
        return named, block.replace("{\n", "{\n" + reading, 1)

    def _arm(self) -> str:
        return f"when {self._steady()}" if self.is_(5) else f"on {self._pattern()}"

    def _pattern(self) -> str:
        if self.calls and not self.is_(3):
            return f"done({self.pick(self.calls)}){self.where('done', 3)}"
        event = self.pick([*EVENTS, "opened"] if self.sends else EVENTS)
        if self.is_(8):
            return self.pick(["raised", "raised where level = 1"])
        if event == "opened" and self.sends and not self.is_(4):
            return f"opened({self.pick(self.sends)}){self.where(event, 4)}"
        return event + self.where(event)
