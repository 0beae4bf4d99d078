"""A model proposes an edit from the disagreements of the calibration sample; a person decides.

What it says is data: it becomes a version that judges nothing before a person has accepted it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medcheck import prompts
from medcheck.client import Door, Model
from medcheck.engine.session import owner_prefix
from medcheck.engine.setup import prepare
from medcheck.errors import DatasetError, JudgeError, SettingsError
from medcheck.limits import Policy
from medcheck.providers import Entry
from medcheck.refining.disagreements import Disagreement
from medcheck.refining.versions import Edit, Version, edit_of
from medcheck.replies import Proposal, parse_proposal
from medcheck.scoring.requirements import requirements
from medcheck.scoring.usability import CODES
from medcheck.settings import Settings
from medcheck.store.batch import BatchStore
from medcheck.store.database import open_database
from medcheck.store.responses import Responses
from medcheck.suites import Suite
from medcheck.types import Completion, Message, Request

PROMPT = "refining/propose"
MOST = 30
"""Disagreements that a model is shown, the worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What a model would change, and why."""

    edit: Edit
    reason: str


def propose(
    found: Sequence[Disagreement], version: Version, suite: Suite, settings: Settings,
    environ: Mapping[str, str],
) -> Proposed:  # fmt: skip
    """Return a model's edit.

    Args:
        found: disagreements of the calibration sample, the worst first.
        version: what holds now.
        suite: whose checklists they are.
        settings: names the model, and the run that its reply is stored under.
        environ: holds keys and endpoints.

    Raises:
        SettingsError: the model is not known, or there is nothing to learn from.
        ProviderError: it did not reply.
        JudgeError: its reply is no edit.
    """
    if not found:
        raise SettingsError("judge and people agree on the calibration sample: nothing to change.")
    setup = prepare((), settings, environ)
    if setup.problems:
        raise SettingsError("\n".join(setup.problems))
    (entry,) = setup.models.values()
    request = Request(messages=(Message(role="user", text=text(found, version, suite)),))
    reply = asyncio.run(_asked(entry, request, settings, environ))
    return _edit(parse_proposal(reply.text), suite, name=entry.name)


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


def _edit(reply: Proposal, suite: Suite, *, name: str) -> Proposed:
    parts = {"checklists": dict(reply.checklists), "guidance": dict(reply.guidance)}
    given = {part: texts for part, texts in parts.items() if texts}
    try:
        return Proposed(edit=edit_of(given, suite, where=name), reason=reply.reason)
    except DatasetError as error:
        raise JudgeError(f"the proposal cannot be used: {error.message}", where=name) from None


async def _asked(
    entry: Entry, request: Request, settings: Settings, environ: Mapping[str, str]
) -> Completion:
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
            return await Model(entry=entry, door=door).ask(request)
        finally:
            await door.close()
            store.close()
