"""What metrics share: plain texts, and a value that was not measured."""

from medcheck.scoring.metrics._base import Gold, decided, plain, shown, unmeasured


def test_a_text_without_its_markup():
    """Markup, width and spaces go; words, lines and underscores inside names stay."""
    assert plain("**Ｂ**  is `right`\n\n_yes_ a_b 2\u22121") == "B is right\nyes a_b 2-1"


def test_not_measured_is_none():
    """What was not measured has a cause and no value; wrong is 0."""
    assert unmeasured("no gold.").value is None
    assert unmeasured("no gold.").why == "no gold."
    assert (decided(False).value, decided(True).value) == (0.0, 1.0)


def test_the_right_class():
    """A named class goes before the reference; without both there is none, and 0 is a class."""
    assert Gold(references=("B",), facts={"class": 0}).wanted == "0"
    assert Gold(references=(" B ",)).wanted == "B"
    assert Gold().wanted is None


def test_quotations_are_short():
    """What a cause quotes is one short line."""
    assert shown("a\nb") == '"a b"'
    assert len(shown("x" * 500)) < 90
