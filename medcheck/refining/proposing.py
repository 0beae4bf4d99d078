"""A model proposes an edit from the disagreements of the calibration sample; a person decides.

What it says is data: it becomes a version that judges nothing before a person has accepted it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from medcheck import prompts
from medcheck.client import Askable, Door, Model
from medcheck.engine.session import owner_prefix
from medcheck.engine.setup import prepare
from medcheck.errors import DatasetError, JudgeError, SettingsError
from medcheck.limits import Policy
from medcheck.providers import Entry
from medcheck.refining.disagreements import Disagreement
from medcheck.refining.versions import Edit, Version, edit_of, edited
from medcheck.replies import parse_proposal
from medcheck.scoring.requirements import requirements
from medcheck.scoring.usability import CODES
from medcheck.settings import Settings
from medcheck.store.batch import BatchStore
from medcheck.store.database import open_database
from medcheck.store.responses import Responses
from medcheck.suites import Suite
from medcheck.types import Message, Request

PROMPT = "refining/propose"
MOST = 30
"""Disagreements that a model is shown, the worst first."""
ASKS = 3
"""Replies that a model is asked for in one go, until one is an edit."""
MAX_STORED = 64
"""Replies that are passed over at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What a model would change, and why."""

    edit: Edit
    reason: str


def propose(
    found: Sequence[Disagreement], version: Version, suite: Suite, settings: Settings,
    environ: Mapping[str, str], *, earlier: int = 0,
) -> Proposed:  # fmt: skip
    """Return a model's edit; a stored reply that is no edit is passed over, and asked for anew.

    Args:
        found: disagreements of the calibration sample, the worst first.
        version: what holds now.
        suite: whose checklists they are.
        settings: names the model, and the run that its reply is stored under.
        environ: holds keys and endpoints.
        earlier: how many proposals there were; each has a reply of its own.

    Raises:
        SettingsError: the model is not known, or there is nothing to learn from.
        ProviderError: it did not reply.
        JudgeError: none of its replies is an edit that changes something.
    """
    if not found:
        raise SettingsError("judge and people agree on the calibration sample: nothing to change.")
    setup = prepare((), settings, environ)
    if setup.problems:
        raise SettingsError("\n".join(setup.problems))
    (entry,) = setup.models.values()
    told = Message(role="user", text=text(found, version, suite))
    request = Request(messages=(told,), repeat=earlier + 1)
    return asyncio.run(
        _asked(entry, request, settings, environ, lambda reply: _read(reply, version, suite))
    )


def text(found: Sequence[Disagreement], version: Version, suite: Suite) -> str:
    """Return what a model is told: rules, the guidance that holds, and the disagreements."""
    cases = [_case(each, suite) for each in found[:MOST]]
    names = {code: name for name, code in CODES.items()}
    guidance = {f"{code} {names[code]}": given for code, given in version.guidance.items()}
    return prompts.render(PROMPT, cases=cases, guidance=guidance, categories=names)


def _case(found: Disagreement, suite: Suite) -> dict[str, Any]:
    demands = requirements(found.checklist)
    return {
        "case": found.case_id,
        "category": CODES.get(found.category, found.category),
        "subcategory": found.subcategory,
        "difference": found.kind,
        "question": found.question,
        "reference": "\n\n".join(suite.case(found.case_id).references),
        "checklist": found.checklist if demands.core else "",
        "answer": found.answer,
        "judge": {"scores": list(found.judged), "explanations": list(found.explanations)},
        "people": {"mean score": found.told, "raters": found.people},
    }


def _read(text: str, version: Version, suite: Suite) -> Proposed:
    """Return the edit in a reply.

    Raises:
        JudgeError: there is none, or it cannot be used, or it changes nothing.
    """
    reply = parse_proposal(text)
    parts = {"checklists": dict(reply.checklists), "guidance": dict(reply.guidance)}
    given = {part: texts for part, texts in parts.items() if texts}
    try:
        edit = edit_of(given, suite, where="")
        edited(version, edit, name="", by="", reason=reply.reason)
    except (DatasetError, SettingsError) as error:
        raise JudgeError(f"the proposal cannot be used: {error.message}") from None
    return Proposed(edit=edit, reason=reply.reason)


async def _asked(
    entry: Entry, request: Request, settings: Settings, environ: Mapping[str, str],
    read: Callable[[str], Proposed],
) -> Proposed:  # fmt: skip
    policy = Policy(
        run=settings.run,
        responses=settings.responses,
        max_calls=settings.max_calls,
        budget_usd=settings.budget,
    )
    owner = f"{owner_prefix(settings.run)}propose/{uuid.uuid4().hex}"
    with open_database(settings.store) as database:
        store = BatchStore(Responses(database))
        door = Door(store=store, owner=owner, policy=policy, environ=environ)
        try:
            return await _first(Model(entry=entry, door=door, repeat=request.repeat), request, read)
        finally:
            await door.close()
            store.close()


async def _first(model: Askable, request: Request, read: Callable[[str], Proposed]) -> Proposed:
    """Return the first proposal that can be used, after at most `ASKS` new replies."""
    asked, cause = 0, "no reply"
    for attempt in range(MAX_STORED):
        reply = await model.ask(replace(request, attempt=attempt))
        try:
            return read(reply.text)
        except JudgeError as error:
            cause = error.message
        asked += not reply.cached
        if asked == ASKS:
            break
    raise JudgeError(
        f"no proposal in {ASKS} tries: {cause}",
        hint="Give the command again: the model is asked anew. Or let another one propose.",
        where=model.name,
    )
