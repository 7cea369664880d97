"""Module names that occur in two folders of the product. `test_house_rules.py` reads these lists.

A new pair is refused. Rename one of the two modules. If both are about one thing at two layers, such
as the statements of a table and the code that runs them, add the name to `ONE_CONCEPT`.
"""

# Name -> the word that both modules are about. Words of the glossary in ARCHITECTURE.md come first.
ONE_CONCEPT = {
    "backtest": "simulation",
    "coverage": "story",
    "declarations": "program",
    "do": "action",
    "entering": "entry",
    "event": "event",
    "intake": "event",
    "library": "library",
    "outbox": "outbox",
    "play": "story",
    "policy": "policy",
    "records": "record",
    "segments": "segment",
    "send": "send",
    "simulate": "simulation",
    "steps": "step",
    "suppression": "suppression",
    "survey": "source",
    "load": "source",
    "sniff": "source",
    "timeline": "customer",
    "unify": "unification",
    "moments": "calendar instant",
    "zones": "calendar instant",
    "relations": "entity",
    # Words that everybody knows, or that only developers of a portion meet.
    "bounds": "the most messages that one customer can get",
    "expressions": "expressions of the language",
    "functions": "functions of the language",
    "loops": "the step `repeat`",
    "why": "why something happened",
}

# Names that still mean two things. Rename one of the modules, then delete its line.
TWO_CONCEPTS = {
    "answers": "cached checks; answers of the prover; results of actions",
    "build": "the command; what compiler passes share; program to plan",
    "changes": "changed versions (twice); when time changes a segment",
    "check": "the command; types of one expression",
    "clock": "known local time of a path; the source of time",
    "contact": "statements of send rules; the judge of exploration",
    "context": "resolving steps; planning a journey",
    "course": "activity of a period (three times)",
    "layout": "layout of a file; braces while recovering",
    "lists": "output as lists; columns that hold lists",
    "local_time": "local times in SQL; times of a story",
    "names": "dictionary encoding; resolving dotted names",
    "node": "base class of values; answers as trees",
    "parts": "walking a program; classes of the plan",
    "reading": "reading a file; conditions read for one customer",
    "report": "the result of a check; numbers of a store",
    "rules": "goals and exits; syntax of policies and tests",
    "run": "the command; the step",
    "settings": "`cij.toml`; settings of a declaration",
    "shown": "values for templates; values for people",
    "text": "diagnostics for people; a story as text",
    "values": "values of enums; from outside; of templates",
}
