"""A name in YAML becomes a module on a shelf, or an object of the user's own code."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from medcheck.errors import ShelfError, nearest


def names(shelf: str) -> list[str]:
    """Return the names on a shelf (`readers`, `providers`, `graders`, `writers`), sorted."""
    folder = Path(__file__).parent / shelf
    files = (path.stem for path in folder.glob("*.py"))
    return sorted(name for name in files if not name.startswith("_"))


def find(shelf: str, name: str, attribute: str) -> Any:
    """Return `attribute` of the shelf's module `name`, or the object behind `package.module:name`.

    The module is imported here, on first use, so that optional packages cost nothing until then.

    Raises:
        ShelfError: no such module or attribute.
    """
    if ":" in name:
        return _from_user(name)
    if name not in names(shelf):
        raise ShelfError(f'unknown {shelf[:-1]} "{name}".', hint=nearest(name, names(shelf)))
    return getattr(importlib.import_module(f"medcheck.{shelf}.{name}"), attribute)


def has(shelf: str, name: str, attribute: str) -> Any:
    """Return an optional `attribute` of a shelf module, or `None`."""
    if ":" in name or name not in names(shelf):
        return None
    return getattr(importlib.import_module(f"medcheck.{shelf}.{name}"), attribute, None)


def _from_user(name: str) -> Any:
    module_name, _, attribute = name.partition(":")
    if str(Path.cwd()) not in sys.path:
        # The command `pytest`, unlike `python -m pytest`, does not import from this folder.
        sys.path.append(str(Path.cwd()))
    try:
        found = importlib.util.find_spec(module_name)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise ShelfError(
            f'cannot import "{module_name}" (from "{name}").',
            hint="Write package.module:Name of code that Python can import from this folder; "
            "a model of that name at an endpoint needs --base-url.",
        )
    module = importlib.import_module(module_name)
    if not hasattr(module, attribute):
        public = [entry for entry in vars(module) if not entry.startswith("_")]
        raise ShelfError(f'"{module_name}" has no "{attribute}".', hint=nearest(attribute, public))
    return getattr(module, attribute)
