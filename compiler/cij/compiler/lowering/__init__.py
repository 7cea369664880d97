"""Model to program. `program` is the entry; `journey` makes the state machines."""
