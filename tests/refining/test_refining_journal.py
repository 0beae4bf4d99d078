"""The journal is only ever added to, and notices when it was not."""

from __future__ import annotations

import pytest

from medcheck.errors import DatasetError
from medcheck.refining.journal import FILE, append, read


@pytest.fixture
def journal(tmp_path):
    """Return a folder with three events."""
    for number in range(3):
        append(tmp_path, "propose", version=f"v{number}", reason="因为\u2028so")
    return tmp_path


def test_events_come_back_in_their_order(journal):
    """Each event has its time and what it was given; line separators in a text end no line."""
    found = read(journal)
    assert [event["version"] for event in found] == ["v0", "v1", "v2"]
    assert found[0]["reason"] == "因为\u2028so"
    assert found[0]["at"].endswith("+00:00")


@pytest.mark.parametrize("harm", ["changed", "taken out", "swapped", "invented"])
def test_a_changed_journal_is_refused(journal, harm):
    """A line that was rewritten, left out or moved is noticed at the next one, with its place."""
    path = journal / FILE
    first, second, third = path.read_text(encoding="utf-8").split("\n")[:3]
    texts = {
        "changed": [first.replace("v0", "v9"), second, third],
        "taken out": [first, third],
        "swapped": [second, first, third],
        "invented": [first, second, third, '{"event": "accept", "before": "x"}'],
    }[harm]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8", newline="\n")
    with pytest.raises(DatasetError, match=rf"{FILE}:\d: a line before this one was changed"):
        read(journal)
    with pytest.raises(DatasetError):
        append(journal, "accept", version="v1")


@pytest.mark.parametrize("line", ["{", "[]", "1"])
def test_what_is_no_event_is_refused(journal, line):
    """A torn line is told with its place."""
    with (journal / FILE).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    with pytest.raises(DatasetError, match=f"{FILE}:4: not an event"):
        read(journal)
