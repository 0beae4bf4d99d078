"""medcheck: evaluate medical language models as a pytest suite.

Nothing is imported here, so that the plugin costs nothing in sessions without suites.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medcheck.pytest_plugin.testing import cases

__all__ = ["cases"]


def __getattr__(name: str) -> Any:
    """Import `cases` when a test module first asks for it."""
    if name == "cases":
        from medcheck.pytest_plugin.testing import cases

        return cases
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
