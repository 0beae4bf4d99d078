"""Templates come to an end, whatever they say, and ordinary ones do not notice."""

from __future__ import annotations

import time

import pytest

from medcheck.errors import SettingsError
from medcheck.readers._table_parts import Prompt

HUGE = 3_000_000_000
HOSTILE = [
    "{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}",
    "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
    "{% for a in note %}{% for b in note %}{% for c in note %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for i in range(3) recursive %}{{ loop(range(3)) }}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}",
    "{% set s = namespace(t='x') %}{% for i in range(60) %}{% set s.t = s.t ~ s.t %}{% endfor %}",
    "{% set s = namespace(t='x') %}{% for i in range(60) %}{% set s.t = s.t + s.t %}{% endfor %}",
    "{% set s = namespace(n=3) %}{% for i in range(60) %}{% set s.n = s.n * s.n %}{% endfor %}",
    "{% set t %}{% for i in range(9999) %}{{ note }}{% endfor %}{% endset %}{{ t|length }}",
    f"{{{{ 'x' * {HUGE} }}}}",
    f"{{{{ {HUGE} * [1] }}}}",
    "{{ 10 ** (10 ** 10) }}",
    f"{{{{ 'x'.ljust({HUGE}) }}}}",
    f"{{{{ 'x'|center({HUGE}) }}}}",
    f"{{{{ 'x'|center(width={HUGE}) }}}}",
    f"{{{{ '%{HUGE}d' % 1 }}}}",
    f"{{{{ '%{HUGE}d'|format(1) }}}}",
    f"{{{{ '{{:{HUGE}}}'.format(1) }}}}",
    "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
]
"""Templates that would run or grow without end."""


@pytest.mark.parametrize("source", HOSTILE)
def test_a_template_without_end(source):
    """Loops, calls, repeats and widths without bounds are refused within a moment."""
    started = time.monotonic()
    with pytest.raises(SettingsError, match=r"data\.options\.prompt"):
        Prompt(source).render({"note": "word " * 500})
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% for x in l %}{{ loop.index }}/{{ loop.length }} {{ x }};{% endfor %}", "1/2 a;2/2 b;"),
        ("{% for x in l if x > 'a' %}{{ x }}{{ '!' if loop.last }}{% endfor %}", "b!"),
        ("{% for x in [] %}{{ x }}{% else %}none{% endfor %}", "none"),
        ("{% for k, v in row.items() if k == 'n' %}{{ k }}={{ v }}{% endfor %}", "n=12345678"),
        ("{{ '%.2f'|format(1.234) }} {{ '%d mg' % 5 }} {{ 'a' ~ 1.5 }}", "1.23 5 mg a1.5"),
        ("{{ l|join(', ') }} {{ l + ['c'] }}", "a, b ['a', 'b', 'c']"),
        ("{% macro m(id) %}<{{ id }}>{% endmacro %}{{ m(n) }}{{ m(id=1) }}", "<12345678><1>"),
        ("{{ n * n }} {{ 2 ** 10 }} {{ '-' * 3 }}", "152415765279684 1024 ---"),
        ("{{ gone|default(99999999) }}", "99999999"),
    ],
)  # fmt: skip
def test_ordinary_templates(source, text):
    """Loops with their variables, filters, macros and arithmetic are as in any Jinja template."""
    assert Prompt(source).render({"l": ["a", "b"], "n": 12345678}) == text
