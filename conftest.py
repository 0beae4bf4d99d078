"""The project's own fixtures and hooks for pytest; what a run needs comes with the plugin."""
