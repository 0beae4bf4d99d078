"""The exception family; `str()` of each is the line that the user sees, safe on a terminal.

MedcheckError            where + message + hint
├─ SuiteError            YAML or schema
├─ DatasetError          official file, row
├─ SettingsError         option, key, model name
├─ ShelfError            unknown name
├─ ProviderError         transport, status, retryable
├─ JudgeError            reply unusable after n attempts
├─ StoreError            database locked, wrong version
├─ BudgetError           the run's hard stop was reached
└─ WriterError           a report could not be written
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_HIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})


class MedcheckError(Exception):
    """An error that the user can act on: where it is, what it is, what to do."""

    def __init__(self, message: str, *, hint: str = "", where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return visible(f"{text} {self.hint}".rstrip())


class SuiteError(MedcheckError):
    """A suite file is wrong; may carry many errors at once, one line each."""

    @classmethod
    def joined(cls, errors: Iterable[MedcheckError]) -> SuiteError:
        """Return one error whose text is all of `errors`, a line each, without repeats."""
        return cls("\n".join(dict.fromkeys(str(error) for error in errors)))


class DatasetError(MedcheckError):
    """An official file or one of its rows is wrong."""


class SettingsError(MedcheckError):
    """An option, a key or a model name is wrong."""


class ShelfError(MedcheckError):
    """A name in YAML has no module on its shelf."""


class ProviderError(MedcheckError):
    """A model or judge could not be asked."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int | None = None,
        retryable: bool = False,
        maybe_paid: bool = False,
        stop_run: bool = False,
        filtered: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        """HTTP status, where there was one."""
        self.retryable = retryable
        self.maybe_paid = maybe_paid
        """The endpoint may have worked and billed although no reply came."""
        self.stop_run = stop_run
        """Every further call would fail the same way (wrong key, unknown model)."""
        self.filtered = filtered
        """The endpoint's content filter refused the request."""
        self.retry_after = retry_after
        """Seconds the endpoint asked us to wait."""


class JudgeError(MedcheckError):
    """A judge's reply cannot be used."""


class StoreError(MedcheckError):
    """The response store cannot be read or written."""


class BudgetError(MedcheckError):
    """The run's budget or call limit is used up."""


class WriterError(MedcheckError):
    """A report could not be written."""


def visible(text: str) -> str:
    r"""Return text that is safe on a terminal: control characters become escapes such as `\x1b`.

    Newlines and tabs stay; what reorders the text around it does not.
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\n\t":
        return character
    if character in _BIDI or unicodedata.category(character) in _HIDDEN:
        code = ord(character)
        return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    return character


@contextmanager
def located(where: str) -> Iterator[None]:
    """Add `where` (file:line) to an error of ours that passes without one."""
    try:
        yield
    except MedcheckError as error:
        if not error.where:
            error.where = where
        raise


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known name and lists the others."""
    import difflib

    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    listed = ", ".join(names) if names else "none"
    return f'Did you mean "{close[0]}"? Known: {listed}.' if close else f"Known: {listed}."
