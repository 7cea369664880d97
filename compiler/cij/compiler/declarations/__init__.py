"""The kinds of declaration: one module each. `cij.compiler.declaration_kinds` is their table."""
