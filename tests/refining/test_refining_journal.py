"""The journal is only ever added to, and notices when it was not."""

from __future__ import annotations

import pytest

from medcheck.errors import DatasetError
from medcheck.refining.journal import FILE, HEAD, append, begun, read


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


@pytest.mark.parametrize("harm", ["changed", "taken out", "all", "no head"])
def test_the_last_line_is_held_as_well(journal, harm):
    """What no later line vouches for is noticed too, by reading and by adding."""
    path = journal / FILE
    first, second, third = path.read_text(encoding="utf-8").split("\n")[:3]
    kept = {
        "changed": [first, second, third.replace("v2", "v9")],
        "taken out": [first, second],
        "all": [],
        "no head": [first, second, third],
    }[harm]
    path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8", newline="\n")
    if harm == "no head":
        (journal / HEAD).unlink()
    for step in (read, lambda folder: append(folder, "accept", version="v1")):
        with pytest.raises(DatasetError, match=f"{FILE}:{len(kept)}: the last line is not the one"):
            step(journal)


@pytest.mark.parametrize("written", [False, True])
def test_a_killed_step_breaks_nothing(journal, written):
    """Killed while it was adding a line, the log holds with the line or without, and goes on."""
    before = (journal / FILE).read_bytes()
    (head,) = (journal / HEAD).read_text(encoding="utf-8").split()
    append(journal, "accept", version="v1")
    (after,) = (journal / HEAD).read_text(encoding="utf-8").split()
    (journal / HEAD).write_text(f"{head}\n{after}\n", encoding="utf-8")
    if not written:
        (journal / FILE).write_bytes(before)
    assert len(read(journal)) == 3 + written
    append(journal, "accept", version="v2")
    assert len(read(journal)) == 4 + written


def test_a_log_that_is_gone_was_begun(journal, tmp_path_factory):
    """Who deletes the log has not undone the beginning; a step killed before its first line has."""
    (journal / FILE).unlink()
    assert begun(journal)
    other = tmp_path_factory.mktemp("killed")
    assert not begun(other)
    (other / HEAD).write_text("-\nabc\n", encoding="utf-8")
    assert not begun(other)


@pytest.mark.parametrize("line", ["{", "[]", "1"])
def test_what_is_no_event_is_refused(journal, line):
    """A torn line is told with its place."""
    with (journal / FILE).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    with pytest.raises(DatasetError, match=f"{FILE}:4: not an event"):
        read(journal)
