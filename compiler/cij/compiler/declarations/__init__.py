"""The kinds of declaration: one module each. `cij.compiler.kinds` is their table."""
