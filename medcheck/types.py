"""The nine nouns: frozen data that travels between the layers, without behavior beyond properties.

Rules for every field: `None` means "not measured" and is never replaced by 0, False or NaN;
units and ranges stand beside the field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

VerdictState = Literal["met", "not_met", "scored", "undecided", "judge_error", "not_run"]
ResultState = Literal[
    "scored",
    "undecided",
    "model_error",
    "truncated",
    "filtered",
    "refused",
    "empty",
    "judge_error",
    "not_run",
]
Finish = Literal["stop", "length", "content_filter", "refusal", "tool_calls", "unknown"]

MEASURED_VERDICTS: tuple[VerdictState, ...] = ("met", "not_met", "scored")
RESULT_STATES: tuple[ResultState, ...] = get_args(ResultState)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture that stands in a message; PDF pages arrive as images."""

    path: str
    sha256: str
    mime: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation."""

    role: str
    """`system`, `user` or `assistant`."""
    text: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One demand on an answer, with the points it earns or costs."""

    id: str
    """Unique within its case."""
    text: str
    points: float
    """Signed: negative points are earned by an undesirable answer."""
    level: str | None = None
    """A1 to A3, S1 to S4 in GAPS."""
    zero_tolerance: bool = False
    """Meeting this criterion fails the case, whatever its score."""
    scale: tuple[float, float] = (0.0, 1.0)
    """0 to 1 for met or not met, 1 to 5 for checklists and juries."""
    tags: tuple[str, ...] = ()
    check: Mapping[str, Any] | None = None
    """A deterministic check (one key, such as `contains`); `None`: a judge decides."""
    source: str | None = None
    """The guideline or textbook fact behind the criterion."""

    @property
    def polarity(self) -> Literal["positive", "negative"]:
        """Whether meeting the criterion is desirable."""
        return "positive" if self.points > 0 else "negative"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a case was read."""

    path: str
    """As the user would write it: relative to the suite's folder, or as given."""
    line: int | None = None
    """1-based."""
    record: Any = None
    """The untouched original record, for writers that must give it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question to a model and what a good answer must hold."""

    id: str
    """Letters of any script, digits and `. _ -`; unique within its suite."""
    suite: str
    messages: tuple[Message, ...]
    grader: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """The suite's grader block; the same mapping for all cases of a suite."""
    criteria: tuple[Criterion, ...] = ()
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    """Path in a taxonomy, outermost first."""
    follows: str | None = None
    """The case that is the previous turn of the same conversation."""
    labels: Mapping[str, Any] = field(default_factory=dict)
    """Human verdicts, by criterion id."""
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Answers that came with the case, by column (`ideal_completion`); several are repeats."""
    pass_at: float | None = None
    """A measured score below this fails the case; `None`: no threshold."""
    copy: int = 0
    """Which occurrence of an identical prompt within the set, from 0."""
    origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one reply as the endpoint counted them; `None`: it did not say."""

    input: int | None = None
    cached_input: int | None = None
    output: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a model or a judge, before an endpoint's own form is known."""

    messages: tuple[Message, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    """Sampling settings under the standard names (temperature, max_tokens, ...)."""
    role: Literal["model", "judge"] = "model"
    repeat: int = 1
    """Which answer to the same case this is, from 1."""
    copy: str = "0"
    """Tells identical requests of one run apart (case copy, criterion copy)."""
    attempt: int = 0
    """0, or the number of the re-ask after an unusable reply."""
    recorded: Mapping[str, str | None] = field(default_factory=dict)
    """What a judge is asked about (`answer`, `criterion`, `verdict_id`), for judges that repeat
    recorded verdicts; never sent, and no part of the request's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One reply of a model or a judge."""

    text: str
    reasoning: str | None = None
    """What a reasoning model thought aloud; never judged."""
    finish: Finish = "stop"
    usage: Usage = Usage()
    seconds: float = 0.0
    """Wall time of the call that produced it."""
    cost_usd: float | None = None
    """At the price known when it was paid; `None`: unknown."""
    key: str = ""
    """sha256 of the canonical request; finds the reply in the store."""
    cached: bool = False
    """Served from the store."""
    evidence: tuple[Mapping[str, Any], ...] = ()
    """Tool calls and retrieved passages of an application under test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """One judge on one criterion."""

    judge: str
    state: VerdictState
    value: float | None
    """Within the criterion's scale; `None`: no usable reply."""
    label: str | None = None
    explanation: str = ""
    key: str = ""
    """Of the stored reply."""
    error: str | None = None
    asks: int = 0
    """Replies that the ballot took, unusable ones included; 0 where no judge was called."""
    usage: Usage = Usage()
    """Tokens of all these replies."""
    cost_usd: float | None = None
    """Of all these replies; `None`: unknown, or no call was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The panel on one criterion."""

    criterion: Criterion
    state: VerdictState
    value: float | None
    label: str | None = None
    ballots: tuple[Ballot, ...] = ()
    how: str = "single"
    """The voting rule."""

    @property
    def called(self) -> bool:
        """Whether a harm counts as done: met, or under a mean vote met to some part of judges."""
        partly = self.state == "scored" and self.criterion.scale == (0.0, 1.0) and self.value
        return self.state == "met" or bool(partly)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What one answer earned."""

    value: float | None
    """Unclipped; `None`: not measured."""
    earned: float | None = None
    """Points."""
    possible: float | None = None
    """Points."""
    facets: Mapping[str, float] = field(default_factory=dict)
    """Score by criterion tag."""
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One answer to one case, graded; carries what reports need, so that they need no YAML."""

    run: str
    case_id: str
    suite: str
    model: str
    repeat: int = 1
    state: ResultState
    completion: Completion | None = None
    score: Score | None = None
    error: str | None = None
    """Why it was not measured: one line for people."""
    seconds: float = 0.0
    tags: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    """What the model was really asked, system text included."""
    pass_at: float | None = None
    position: int = 0
    """Rank in the run: dataset order, then model."""
    labels: Mapping[str, Any] = field(default_factory=dict)
    """Human verdicts that came with the case, by criterion id."""

    @property
    def measured(self) -> bool:
        """Whether the result carries a score."""
        return self.score is not None and self.score.value is not None

    @property
    def harms(self) -> tuple[Verdict, ...]:
        """The zero-tolerance criteria that this answer met."""
        verdicts = self.score.verdicts if self.score else ()
        return tuple(v for v in verdicts if v.criterion.zero_tolerance and v.called)

    @property
    def passed(self) -> bool | None:
        """Whether the case passes; `None`: not measured."""
        if self.harms:
            return False
        if self.score is None or self.score.value is None:
            return None
        return self.pass_at is None or self.score.value >= self.pass_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything one command measured."""

    id: str
    started: str
    """ISO 8601, UTC."""
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    """Code, prompts and datasets by version or sha256."""
    results: Iterable[Result] = ()
    """In dataset order, then model, then repeat; can be iterated again, may stream."""
    suites: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By suite name: the `summary`, `gate`, `protocol` and `judges` it was run with."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """What differs between runs of the same replies: times, requests sent, money spent."""
