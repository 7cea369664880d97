"""The engine: one journey over many people, beside hand-written SQL that does the same."""
