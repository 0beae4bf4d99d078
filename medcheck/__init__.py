"""medcheck: evaluate medical language models as a pytest suite.

Nothing is imported here, so that the plugin costs nothing in sessions without suites.
"""
