"""Recorded answers and verdicts in the place of a model and a judge; nothing is asked of anyone.

A recording is one line: `{"model", "case", "prompt": [{"role", "content"}], "answer", "criteria":
[{"criterion", "criteria_met", "explanation"}]}`. Answers are found by model and conversation
(system text aside), verdicts by answer and criterion. In place of `criteria_met` and `explanation`
an entry may hold the judge's whole `reply` (an object), or `replies`, one for each time a judge is
asked. An entry with `judge` is that judge's own; one without is what all the others say.
A turn with pictures lists them as `images`: the sha256 of each in order, or `*` for each where the
bytes depend on what drew them, as with pages of a PDF.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medcheck.errors import ProviderError, SettingsError
from medcheck.providers._entry import Entry
from medcheck.types import Completion, Image, Message, Request

DEMO = Path(__file__).parent.parent / "demo"
_ANY = Image(path="", sha256="*", mime="")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recordings:
    answers: Mapping[tuple[str, str], str]
    """By model and sha256 of the conversation."""
    later: frozenset[tuple[str, str]]
    """Model and sha256 of the last turn alone, of conversations with earlier turns."""
    replies: Mapping[tuple[str, str, str], Sequence[Mapping[str, Any]]]
    """By sha256 of the answer, text of the criterion, and judge (empty: any)."""


class Provider:
    """Gives back answers by conversation and, as a judge, verdicts by answer and criterion."""

    def __init__(self, entry: Entry, environ: Mapping[str, str]) -> None:  # noqa: ARG002 - the shelf's contract
        self.entry = entry
        self._folder = Path(entry.params.get("path") or DEMO)

    def has_recording(self, messages: tuple[Message, ...], *, later: bool = False) -> bool:
        """Return whether this model's answer to a conversation was recorded.

        With `later`, `messages` are its last turn: the model's own earlier answers come before.
        """
        if later:
            return (self.entry.model, prompt_sha(messages)) in _load(self._folder).later
        return self._answer(messages) is not None

    async def ask(self, request: Request) -> Completion:
        """Return the recorded answer or, for a judge, the recorded verdict as its JSON reply.

        A judge is told what it judges by `request.recorded`: `answer`, `criterion` (its text) or
        `name` (its id), `verdict_id` where the reply must echo one, and `turn` (from 0) where it is
        asked several times.

        Raises:
            ProviderError: there is no such recording.
        """
        recordings = _load(self._folder)
        if request.role == "judge":
            return _verdict(recordings, self.entry.model, request.recorded)
        answer = self._answer(request.messages)
        if answer is None:
            raise _unknown()
        return Completion(text=answer, cost_usd=0.0)

    def _answer(self, messages: Sequence[Message]) -> str | None:
        """Return the answer to these words and pictures, else to these words with any pictures."""
        answers = _load(self._folder).answers
        answer = answers.get((self.entry.model, prompt_sha(messages)))
        if answer is not None or not any(message.images for message in messages):
            return answer
        starred = (replace(turn, images=(_ANY,) * len(turn.images)) for turn in messages)
        return answers.get((self.entry.model, prompt_sha(starred)))


def prompt_sha(messages: Iterable[Message]) -> str:
    """Return the sha256 of a conversation without its system text."""
    turns = [
        [message.role, message.text, *(image.sha256 for image in message.images)]
        for message in messages
        if message.role not in {"system", "developer"}
    ]
    return _sha(json.dumps(turns, ensure_ascii=True))


def _verdict(recordings: _Recordings, judge: str, asked: Mapping[str, Any]) -> Completion:
    answer = _sha(str(asked.get("answer")))
    names = [str(name) for name in (asked.get("criterion"), asked.get("name")) if name]
    places = [(answer, name, who) for name in names for who in (judge, "")]
    found = next((recordings.replies[at] for at in places if at in recordings.replies), None)
    if not found:
        raise _unknown()
    reply = dict(found[int(asked.get("turn") or 0) % len(found)])
    if asked.get("verdict_id"):
        reply["verdict_id"] = asked["verdict_id"]
    return Completion(text=json.dumps(reply, ensure_ascii=False), cost_usd=0.0)


def _unknown() -> ProviderError:
    return ProviderError(
        "no recording for this prompt.",
        hint="The demo models know the starter cases only: name a real one with --model.",
    )


@functools.cache
def _load(folder: Path) -> _Recordings:
    answers: dict[tuple[str, str], str] = {}
    later: set[tuple[str, str]] = set()
    replies: dict[tuple[str, str, str], Sequence[Mapping[str, Any]]] = {}
    for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else [folder]:
        for number, line in enumerate(_lines(path), 1):
            try:
                record = json.loads(line)
                turns = [_turn(turn) for turn in record["prompt"]]
                answers[record["model"], prompt_sha(turns)] = record["answer"]
                if len(turns) > 1:
                    later.add((record["model"], prompt_sha(turns[-1:])))
                answer_sha = _sha(record["answer"])
                for entry in record.get("criteria", ()):
                    place = (answer_sha, entry["criterion"], entry.get("judge", ""))
                    replies[place] = _replies(entry)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise SettingsError(f"{path}:{number}: not a recording: {error!r}.") from None
    return _Recordings(answers=answers, later=frozenset(later), replies=replies)


def _turn(turn: Mapping[str, Any]) -> Message:
    images = tuple(replace(_ANY, sha256=sha256) for sha256 in turn.get("images", ()))
    return Message(role=turn["role"], text=turn["content"], images=images)


def _replies(entry: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return what a judge says, each time it is asked; then it begins anew."""
    if "replies" in entry:
        return [dict(reply) for reply in entry["replies"]]
    if "reply" in entry:
        return [dict(entry["reply"])]
    return [{"explanation": entry["explanation"], "criteria_met": entry["criteria_met"]}]


def _lines(path: Path) -> list[str]:
    try:
        # Only "\n" ends a recording: an answer may hold U+2028.
        return [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {type(error).__name__}.") from None


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
