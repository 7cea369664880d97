"""How long `cij diff` takes, as a ratio to `cij check`."""
