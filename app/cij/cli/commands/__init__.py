"""One module for each command, with the attribute `command`. `cij.cli.main` has the table."""
