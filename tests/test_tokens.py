"""Estimates of tokens are close enough to plan with, in either script."""

from __future__ import annotations

import pytest

from medcheck.tokens import IMAGE_TOKENS, estimate_messages, estimate_tokens
from medcheck.types import Image, Message


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a" * 400, 100), ("痛" * 100, 90), ("a" * 4 + "痛" * 10, 10)]
)
def test_scripts_count_by_their_own_rule(text, tokens):
    """Four Latin characters make a token, a Chinese one nearly one."""
    assert estimate_tokens(text) == tokens


def test_messages_add_up():
    """Each message costs a little by itself, and an image a lot."""
    image = Image(path="a.png", sha256="0", mime="image/png")
    plain = estimate_messages([Message(role="user", text="a" * 40)])
    assert plain == 14
    seen = estimate_messages([Message(role="user", text="a" * 40, images=(image, image))])
    assert seen == plain + 2 * IMAGE_TOKENS
