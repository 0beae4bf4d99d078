"""Selecting cases by their exact tags: `theme:hedging and not lang:zh`; markers made from tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from medcheck.errors import SettingsError

TOKEN = re.compile(r'\s*(?:(?P<open>\()|(?P<close>\))|"(?P<quoted>[^"]*)"|(?P<word>[^\s()"]+))')

Test = Callable[[Collection[str]], bool]


def marker(tag: str) -> str:
    """Return the pytest marker name of a tag: all but letters, digits and `_` become `_`."""
    return re.sub(r"\W", "_", tag)


def expression(text: str) -> Test:
    """Return the test that a `--tag` expression stands for.

    Words are tags, exact and case-sensitive; `and`, `or`, `not` and parentheses as usual; a tag
    with spaces stands in double quotes.

    Raises:
        SettingsError: the expression cannot be read.
    """
    parser = _Parser(text)
    test = parser.either()
    if parser.tokens:
        raise parser.error(parser.tokens[0][1])
    return test


def words(text: str) -> list[str]:
    """Return the tags that a `--tag` expression names."""
    return [word for kind, word in _Parser(text).tokens if kind in ("word", "quoted")]


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            match = TOKEN.match(text, position)
            if match is None:
                raise self.error(text[position:])
            kind = match.lastgroup or ""
            word = match.group(kind)
            is_operator = kind == "word" and word in ("and", "or", "not")
            self.tokens.append((word if is_operator else kind, word))
            position = match.end()

    def error(self, near: str) -> SettingsError:
        return SettingsError(
            f'--tag "{self.text}": cannot be read near "{near}".',
            hint='Write tags joined by and, or, not: "theme:hedging and not lang:zh".',
        )

    def accept(self, kind: str) -> bool:
        if self.tokens and self.tokens[0][0] == kind:
            self.tokens.pop(0)
            return True
        return False

    def either(self) -> Test:
        tests = [self.both()]
        while self.accept("or"):
            tests.append(self.both())
        return lambda tags: any(test(tags) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.accept("and"):
            tests.append(self.one())
        return lambda tags: all(test(tags) for test in tests)

    def one(self) -> Test:
        if self.accept("not"):
            test = self.one()
            return lambda tags: not test(tags)
        if self.accept("open"):
            test = self.either()
            if not self.accept("close"):
                raise self.error("the end")
            return test
        if self.tokens and self.tokens[0][0] in ("word", "quoted"):
            wanted = self.tokens.pop(0)[1]
            return lambda tags: wanted in tags
        raise self.error(self.tokens[0][1] if self.tokens else "the end")
