"""The language server: `cij lsp`. An editor starts it and speaks the Language Server Protocol with it."""
