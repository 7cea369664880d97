"""One module a command, each with the attribute `command`. `cij.cli.main` has the table."""
