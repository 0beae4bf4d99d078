"""The wording a judge is asked in: a prompt of ours, or one imported from the user's own copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medcheck import prompts
from medcheck.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A prompt that takes a conversation and a rubric item."""

    name: str
    imported: prompts.Imported | None = None
    """In the place of the prompt `name`."""

    @property
    def versions(self) -> dict[str, str]:
        """The sha256 of the wording by its name."""
        if self.imported is not None:
            return {f"prompt {Path(self.imported.path).name}": self.imported.version}
        return {f"prompt {self.name}": prompts.version(self.name)}

    def render(self, *, conversation: str, item: str) -> str:
        """Return the text of the judge's user message."""
        if self.imported is not None:
            return self.imported.render(conversation=conversation, item=item)
        return prompts.render(self.name, conversation=conversation, item=item)


def wording(options: Mapping[str, Any], name: str) -> Wording:
    """Return what the `prompt` of a grader block stands for; `name` where it has none.

    Raises:
        SettingsError: unknown prompt, or one that is not this grader's; the file to import is
            not there or lacks a placeholder.
    """
    prompt = options.get("prompt", name)
    if isinstance(prompt, Mapping):
        path = Path(str(options.get("folder", "."))) / str(prompt["import"]).strip()
        imported = prompts.imported(path, prompt.get("name", "GRADER_TEMPLATE"))
        return Wording(name=name, imported=imported)
    if prompt != name:
        prompts.version(str(prompt))
        raise SettingsError(
            f'grader.prompt: "{prompt}" is not a prompt of this grader.', hint=f"Use {name}."
        )
    return Wording(name=name)
