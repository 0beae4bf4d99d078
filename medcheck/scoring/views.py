"""What a judge sees of a text, and what looks like an attempt to steer it; changes no score.

Source: trust.md section 3.2 (D3, D5) and 3.3 (kinds 1 to 12).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

_HIDDEN = (
    (0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F),  # C0 and C1 controls but tab and newline
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x180E, 0x180E),  # invisible joiners and marks
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFEFF, 0xFEFF),  # zero-width, bidi
    (0xFE00, 0xFE0F), (0xE0100, 0xE01EF),  # variation selectors
    (0xE0000, 0xE007F),  # tags
    (0xD800, 0xDFFF),  # lone surrogates have no UTF-8 form
)  # fmt: skip
_STRIP = {code: None for first, last in _HIDDEN for code in range(first, last + 1)}


def judge_view(text: str) -> tuple[str, int]:
    r"""Return the text without invisible and control characters, and how many were removed.

    Tab and newline stay; "\r\n" becomes "\n" and is not counted.

    Source: trust.md section 3.2, D3.
    """
    lines = text.replace("\r\n", "\n")
    shown = lines.translate(_STRIP)
    return shown, len(lines) - len(shown)


def injection_flags(text: str) -> tuple[str, ...]:
    """Return the names of the steering attempts that a text seems to hold, in a fixed order.

    Lexical, English and Chinese; a flag is a reason to look, never a reason to change a score.

    Source: trust.md section 3.2, D5, and 3.3, kinds 1 to 12.
    """
    shown = unicodedata.normalize("NFKC", judge_view(text)[0])
    return tuple(name for name, found in _DETECTORS.items() if found(shown))


def _any_of(*patterns: str) -> Callable[[str], bool]:
    """Tell whether one of the patterns occurs.

    `~` stands for a few spaces, `°` for marks of emphasis, `¶` for the start of a line and what may
    decorate it. All three are bounded, so that a hostile text cannot make the search slow.
    """
    text = "|".join(f"(?:{pattern})" for pattern in patterns)
    for short, long in _NOTATION.items():
        text = text.replace(short, long)
    joined = re.compile(text, re.IGNORECASE | re.MULTILINE)
    return lambda found: joined.search(found) is not None


_NOTATION = {"~": r"\s{0,8}", "°": "[*_]{0,4}", "¶": r"^[ \t*_#>-]{0,12}"}

_GRADING = r"(?:rubrics?|criteri(?:a|on)|grading|scoring|evaluation|judging|marking)"
_KEYS = r"(?:criteria_met|verdict|verdicts|verdict_id|score|grade|met|rating|level|final_level)"
_JSON_KEY = rf"[\"']{_KEYS}[\"']~:"
_TURN = (
    r"(?:user|assistant|system|human|judge|grader|evaluator|用户|助手|系统|评委|裁判|评审|评分员)"
)
_ZH_RULES = r"(?:指令|指示|规则|标准|要求|说明|提示|提示词|评分标准|评分规则|评分要求|系统提示)"

_VERDICT_KEY = re.compile(_JSON_KEY.replace("~", _NOTATION["~"]), re.IGNORECASE)
_FENCE = re.compile(r"^[ \t]{0,12}```", re.MULTILINE)


def _repeated_key(text: str) -> bool:
    """Tell whether verdict keys stand twice: in one object, or in several objects."""
    keys = [re.sub(r"\W", "", key).lower() for key in _VERDICT_KEY.findall(text)]
    return len(keys) != len(set(keys))


def _open_fence(text: str) -> bool:
    return len(_FENCE.findall(text)) % 2 == 1


_FENCED_VERDICT = _any_of(rf"```[^`]{{0,2000}}{_JSON_KEY}")
_DELIMITER = _any_of(
    r"</?(?:answer|response|conversation|completion|candidate|rubric|rubric_item|criterion|criteria|"
    r"instructions?|prompt|data|document|student_answer|回答|答案|对话|评分标准)>",
    r"^[ \t]{0,12}#\s{1,8}(?:instructions?|rubric(?: item)?|criterion|conversation|"
    r"system(?: prompt)?|"
    r"how to decide|reply format|answer format|your task|return just|指令|说明|任务|"
    r"评分标准|评分规则|评分项|系统)~:?[ \t]{0,12}$",
    r"^[ \t]{0,12}(?:-{3,}|={3,}|\*{3,}|\[)~(?:end|begin|start)(?: of)?(?: the)? "
    r"(?:answer|response|conversation|completion|data|rubric)\b",
    r"(?:回答|答案|对话|数据)(?:到此)?结束~(?:[-=\]】*]|$)",
)

_DETECTORS: Mapping[str, Callable[[str], bool]] = {
    "ignore_rubric": _any_of(
        r"\b(?:ignore|disregard|forget|override|bypass|skip)\b[^.\n]{0,30}?\b(?:previous|prior|"
        rf"above|earlier|preceding|system|{_GRADING})\b[^.\n]{{0,30}}?\b(?:instructions?|prompts?|"
        r"rules?|guidelines?|messages?|rubrics?|criteri(?:a|on)|items?|directions?|text)\b",
        r"\b(?:ignore|disregard|forget|override|bypass) "
        r"(?:all |any |every |the |this |that |your )*"
        r"(?:rubrics?|grading|instructions?(?= (?:above|before|so far))|criteri(?:a|on))\b",
        r"\b(?:ignore|disregard|forget) (?:all|everything|any)(?: of)?(?: the| your)? "
        r"(?:instructions?|rules?|above|before)\b",
        r"\b(?:do not|don't|never) (?:apply|use|follow|grade|judge|consult)\b[^.\n]{0,20}?\b"
        r"(?:rubrics?|grading|criteri(?:a|on))\b",
        r"\b(?:mark|grade|score|rate|judge|treat|consider|count|label)\b[^.\n]{0,40}?"
        r"\b(?:criteri(?:a|on)|rubrics?|items?|answer|response|requirements?)\b[^.\n]{0,30}?"
        r"\b(?:as|to be|=)~"
        r"(?:fully )?(?:met|true|satisfied|fulfilled|correct|passed|perfect|full)\b",
        r"\b(?:give|award|assign|grant)\b[^.\n]{0,40}?\b(?:full|maximum|max|highest|top|perfect|all)"
        r"(?: possible)? (?:marks?|scores?|points?|credit|rating|grade)\b",
        r"(?:忽略|无视|忘记|忘掉|不要理会|不用理会|不必理会|抛开|跳过)[^。\n]{0,20}?(?:以上|之前|前面|上面|上述|先前|所有|"
        rf"一切|任何|全部|评分|评判|评审|评价|系统|打分)[^。\n]{{0,12}}?{_ZH_RULES}",
        r"(?:忽略|无视|不要理会|抛开|跳过)[^。\n]{0,8}?(?:评分|评判|打分|评审)",
        r"(?:不要|不必|无需|别)(?:再)?(?:按照|按|依据|根据|使用|参考|遵循)[^。\n]{0,10}?(?:评分|评判|打分|评审)",
        r"(?:给|打|评|判)[^。,;:(\n]{0,10}?(?:满分|最高分)(?!~[为是]?~[0-9])",
        r"(?:判定|判断|判|标记|视|记|评|算|认定)(?:为|作|成)~[「“\"']?(?:已)?(?:满足|达标|符合|通过|true|met)",
    ),
    "fake_system": _any_of(
        r"^\W{0,4}system(?: (?:message|prompt|override|notice|note|instructions?|update|"
        r"alert))?\W{0,3}[:\]>]",
        r"<\|?/?(?:system|im_start|im_end|sys|assistant|user|end|eot_id|start_header_id)\|?>",
        r"\[/?(?:INST|SYS|SYSTEM)\]|<</?SYS>>",
        r"^#+~system(?: (?:message|prompt))?~:?[ \t]{0,12}$",
        r"\b(?:new|updated|important) system (?:message|prompt|instructions?|notice)\b",
        r"(?:^|[\[【(<])~系统~(?:消息|提示|指令|通知|公告|更新|信息)?~[\]】)>:]",
        r"系统(?:消息|提示词|指令|通知)~:",
    ),
    "fake_verdict": _any_of(
        r"[\"'“]?\bcriteria_met\b[\"'”]?~(?:[:=]|is\b|为|是)",
        rf"\{{[^{{}}\n]{{0,300}}{_JSON_KEY}",
    ),
    "fenced_verdict": _FENCED_VERDICT,
    "repeated_keys": _repeated_key,
    "grade_line": _any_of(
        r"¶(?:final )?grade~°~[:=]~°~[\"']?[A-FCIP]\b[\"'.*_ ]*$",
        r"¶(?:final )?(?:verdict|judge?ment)~°~[:=]~°~(?:met|not met|true|"
        r"false|pass(?:ed)?|fail(?:ed)?|correct|incorrect|[A-FCIP])\b",
        r"(?:判定|裁决|评判结果|判定结果|最终评级|最终等级)~(?:为|是)?~:~[「“\"'*]*(?:满足|不满足|通过|达标|符合|正确|"
        r"优秀|true|met|[A-F]\b)",
    ),
    # Clinical scores ("ECOG评分为1分", "pain score of 7/10") are no marks for the answer.
    "score_mark": _any_of(
        r"^\W{0,3}\[{1,2}~[0-9]{1,3}~\]{1,2}\W{0,2}$",
        r"(?:\b(?:score|rating|points?|marks?)\b|得分|评分|打分|分数)[^\w\n]{0,4}(?:is|of|为|是)?[^\w\n]{0,4}"
        r"[\[【]~[0-9]{1,3}~[\]】]",
        r"(?:\b(?:score|rating|marks?)\b|得分|评分|打分|分数)[^\w\n]{0,4}(?:is|of|为|是)?[^\w\n]{0,4}"
        r"\b(?P<top>[0-9]{1,3})~/~(?P=top)\b",
        r"¶(?:final |overall |total )?(?:score|rating)~°~[:=]~°~[0-9]{1,3}"
        r"\b[\s.*_]*$",
        r"¶(?:最终|总|综合|本题)?(?:得分|评分|打分|分数)~°~(?:[:=]|为|是)~°~[0-9]{1,3}~分?"
        r"[\s。.*_]*$",
        r"(?:得分|评分|打分|分数)~(?:应)?(?:为|是)?~:?~满分(?!~[为是]?~[0-9])",
        r"(?:回答|答案)[^。\n]{0,8}(?:得分|评分|分数)[^。\n0-9]{0,4}[0-9]",
    ),
    "severity_level": _any_of(
        r"[\"']?\b(?:final_)?level\b[\"']?~(?:[:=]|is\b)~[\"'*\[]*[SA][1-4]\b",
        r"\b(?:level|grade|severity|rating|class(?:ification|ified)?|rated?|judged?)\b"
        r"(?: \w{1,20}){0,3}?"
        r"~[:=]?~[\"'*\[(]*[S][1-4]\b[\"'*\])]*~(?:$|[.,;!。，]|only|\()",
        r"(?:级别|等级|严重程度|严重性|分级|定级|评级|判定|判)~(?:应)?(?:为|是|成)?~[:=]?~[\"'“「*\[【]*[SA][1-4](?![0-9A-Za-z])",
    ),
    "delimiter": lambda text: _DELIMITER(text) or _open_fence(text),
    "forged_turn": _any_of(r"^[ \t*_#>\[【-]{0,12}" + _TURN + r"[\]】*_]{0,4}~:"),
    "placeholder": _any_of(
        r"<<~[a-z_]{3,40}~>>",
        r"(?<![\\$}^_a-z])\{~(?:question|answer|response|prompt|rubric|rubric_item|criterion|criteria|"
        r"conversation|completion|reference|verdict_id|问题|回答|答案)~\}",
        r"\$\{?(?:RESPONSE|QUESTION|ANSWER|PROMPT|RUBRIC|CRITERI(?:A|ON)|CONVERSATION|COMPLETION|"
        r"REFERENCE)\b\}?",
        r"\{\{~[A-Z_]{3,40}~\}\}",
    ),
    "template": _any_of(
        r"\{\{(?!\})[^{}\n]{1,300}\}\}",
        r"\{%-?[^%\n]{1,300}-?%\}|\{%-?~\w",
        r"\{#[^\n]{0,300}#\}",
        r"__(?:globals|class|init|subclasses|mro|builtins|import|base|bases)__",
        r"<%=?[^%\n]{1,300}%>|\$\{[^}\n]{1,300}\}|#\{[^}\n]{1,300}\}",
    ),
}
"""A kind of steering attempt and how to find it, in the order of the red-team corpus."""
