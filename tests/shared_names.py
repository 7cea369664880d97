"""Module names that occur in two folders of the product. `test_house_rules.py` reads this list.

A new pair is refused. Rename one of the two modules. If both are about one thing at two layers, such
as the statements of a table and the code that runs them, add the name to `ONE_CONCEPT`.
"""

# Name -> the word that both modules are about. Words of the glossary in ARCHITECTURE.md come first.
ONE_CONCEPT = {
    "action": "action",
    "canonical_addresses": "address",
    "activity": "activity",
    "changes": "changed versions",
    "absence": "customer in no source",
    "consent": "consent",
    "control": "order",
    "interning": "dictionary encoding",
    "queue": "entry queue",
    "backtest": "simulation",
    "declarations": "program",
    "doctor": "the checks of `cij doctor`",
    "do": "action",
    "due_in_place": "timer",
    "entering": "entry",
    "event": "event",
    "explain": "explanation",
    "intake": "event",
    "journey": "journey",
    "new_entries": "entry",
    "outbox": "outbox",
    "play": "story",
    "policy": "policy",
    "program": "program",
    "records": "record",
    "segments": "segment",
    "send": "send",
    "simulate": "simulation",
    "status": "the numbers of a store",
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
    "expressions": "expressions of the language",
    "functions": "functions of the language",
    "loops": "the step `repeat`",
    "types": "types of values",
    "why": "why something happened",
}
