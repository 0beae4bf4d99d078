"""The engine: one case becomes a result, many of them at once, in the background."""
