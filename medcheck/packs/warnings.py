"""What looks odd in the answers of a pack, W1 to W8; none of it makes a pack unfit.

Whether an answer has its set's form (W6) and which shuffled copies agree (W8) is decided in
`scoring`; the functions that say so are handed in.

Source: medbench.md section 3.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePath

from medcheck.packs.findings import Finding, warning
from medcheck.packs.rules import Row, twice

FormatOf = Callable[[str, str], str]
"""State of an answer by question and answer: `strict`, `recoverable`, `fail`, or else."""

MANY_TIMES = 10
"""As long as this many medians is suspicious."""
SHORTEST_LONG = 200
"""Characters below which no answer is called long."""
LAST_PROSE = 25
"""Characters of a last line that is prose, not an item of a list or a heading."""

OPENING = 200
"""Characters at the start of an answer that show what it is."""
LONGEST_LABEL = 12
"""Characters of a last line that may end with a colon: a heading under which nothing was found."""

THINK = re.compile(r"</?think(?:ing)?>|◁/?think▷", re.IGNORECASE)
_TASK = "(?:任务|用户|问题|题目|角色)"
_LEAK = re.compile(
    rf"(?:(?:好的|嗯)[，,]\s*)?(?:首先[，,]\s*(?:这个|该|这道)?{_TASK}"
    r"|用户(?:想|要|问|希望|询问|提供|提出|给出|让)|我们?需要(?:先|根据|按照|分析|判断|回答|从|确定)"
    r"|(?:okay|ok|alright|so|hmm)?[,. ]*(?:we need to|we are asked|the user (?:is|wants|asks|has)"
    r"|let'?s (?:think|analy[sz]e|see)|i need to))",
    re.IGNORECASE,
)
_OPEN_END = tuple("，、：；,:;（(【[{“「《=+")
_PROSE = re.compile(r"[，。；]")
_API_ERROR = re.compile(
    r"(?:error(?: code)?\s*[:：]|(?:http )?(?:error )?[45]\d\d (?:client|server|bad|internal|"
    r"service|gateway|too many|unauthorized|forbidden)|internal server error|bad gateway|"
    r"rate limit|too many requests|request timed out|connection (?:error|refused|reset)|"
    r"\{\s*[\"']error[\"']\s*:|traceback \(most recent|请求失败|请求超时|接口(?:错误|异常)|"
    r"服务(?:繁忙|不可用|异常)|系统繁忙|网络(?:错误|异常))",
    re.IGNORECASE,
)
_HTML = re.compile(
    r"<!doctype|</?(?:html|head|body|div|span|script|style|iframe|p|pre)\b", re.IGNORECASE
)
_REFUSAL = re.compile(
    r"(?:不(?:能|可|允许|得|应)?|无法|禁止|不便|未能)(?:再)?(?:按照?|使用|以|用)?(?:您|你|题目)?"
    r"(?:要求的|所需的|指定的)?(?:输出|提供|给出|返回|生成)[^。\n]{0,8}(?:JSON|json)(?:格式)?"
    r"|(?:无法|不能)(?:回答|完成|提供)(?:该|这个|此|您的|你的)?(?:问题|题目|请求|任务|要求)"
    r"|请(?:提供|给出)(?:需要回答的|具体的?)?[^。\n]{0,6}(?:题目|选择题|问题)。?\s*$"
    r"|(?:cannot|can't|unable to) (?:output|provide|return|use) [^.\n]{0,20}json",
)
_CANNOT = "(?:无法|不能|不便|不可以|没法|没有办法|难以)"
_OF = "(?:(?!请|建议|应|可以)[^，,。]){0,16}?"
_WHOLE_REFUSAL = re.compile(
    rf"[\s<《*#]*(?:(?:很|非常|十分)?(?:抱歉|对不起|遗憾)(?:(?!建议|若|如)[^。！!]){{0,40}}?{_CANNOT}{_OF}"
    "(?:回答|作答|答复|提供|协助|帮助|满足|完成|处理|给出|简述|执行)"
    rf"|作为[^，,。]{{0,12}}(?:AI|人工智能|模型|助手)[^，,。]{{0,8}}[，,]?[^，,。]{{0,8}}{_CANNOT}"
    rf"{_OF}(?:回答|作答|答复|提供|协助|帮助|满足|给出|替代)"
    rf"|我?{_CANNOT}(?:直接)?(?:回答|作答)(?!者)"
    r"|(?:(?:i[’']?m|i am) (?:\w+ )?sorry|sorry|as an ai|i )[^.\n]{0,60}?\b"
    r"(?:can(?:no|[’'])?t|can not|unable to|not able to|won[’']?t) "
    r"(?:help|assist|provide|answer|comply|fulfil+|offer|give|complete|do))",
    re.IGNORECASE,
)
"""An answer that is nothing else if it is short."""
_SHORT = 300
"""Letters of a refusal; a Chinese character counts twice. Longer answers say more than no."""
_HAN = re.compile(r"[\u4e00-\u9fff]")
_NOTHING = re.compile(r"\W*(?:(?:none|null|nil|n/?a|nan|undefined)\W*)?", re.IGNORECASE)
MAY_REFUSE = frozenset(("MedDefend", "MedShield"))
"""Sets that ask for what should be refused: there a refusal may be the right answer."""
_REFUSED_WITHIN = 300
"""Characters at the start of an answer in which a refusal stands."""


def check_texts(file: str, rows: Sequence[Row]) -> Iterator[Finding]:
    """Yield what breaks W1 to W5 and W7."""
    may_refuse = PurePath(file).stem in MAY_REFUSE
    answered = [row for row in rows if row.answer]
    lengths = [len(row.answer or "") for row in answered]
    long = max(MANY_TIMES * statistics.median(lengths), SHORTEST_LONG) if lengths else 0
    for row in answered:
        for rule, text in suspicions(
            row.question, row.answer or "", long=long, may_refuse=may_refuse
        ):
            yield warning(rule, file, text, line=row.line, id=row.id)
    if len(answered) > 1 and len(twice(answered)) == 1:
        text = f"all {len(answered)} answers are the same"
        yield warning("W7", file, text, line=answered[0].line)


def suspicions(
    question: str, answer: str, *, long: float, may_refuse: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield rule and message of W1 to W5.

    Args:
        question: as asked.
        answer: to it.
        long: an answer of more characters is too long.
        may_refuse: a bare refusal can be right here, see `MAY_REFUSE`.
    """
    if THINK.search(answer):
        yield "W1", "a <think> tag is left in the answer"
    if _LEAK.match(_start(answer)):
        yield "W2", "the answer begins by thinking aloud about the task"
    elif len(answer) > long:
        text = f"{len(answer):,} characters, more than {MANY_TIMES} times the set's median"
        yield "W2", text
    if broken := breaks_off(answer):
        yield "W3", broken
    wrong = no_answer(question, answer) or _says_nothing(answer)
    if wrong or (wrong := None if may_refuse else _only_refuses(answer)):
        yield "W4", wrong
    if "```" in answer and "```" not in question and "代码块" not in question:
        yield "W5", "a code fence that the question does not ask for"


def breaks_off(answer: str) -> str | None:
    """Return why an answer looks cut off; `None`: it does not."""
    text = answer.strip()
    if text.count("```") % 2:
        return "the answer breaks off: a code fence is not closed"
    if text[:1] in ("{", "[") and text.count(text[0]) > text.count("}" if text[0] == "{" else "]"):
        return "the answer breaks off: a bracket is not closed"
    last = text.rsplit("\n", 1)[-1].strip()
    if text.endswith(_OPEN_END) and (len(last) > LONGEST_LABEL or last[-1] not in ":："):
        return f'the answer breaks off after "{text[-1]}"'
    prose = len(last) > LAST_PROSE and _PROSE.search(last)
    ends = last[-1:].isdigit() or not last[-1:].isalnum()
    if prose and not ends and text.count("。") > 2:
        return "the answer breaks off within a sentence"
    return None


def no_answer(question: str, answer: str) -> str | None:
    """Return why a text is no answer to the question; `None`: it may be one."""
    if _API_ERROR.match(_start(answer)):
        return "an error text of an API"
    if (found := _HTML.search(answer)) and found[0] not in question:
        return f'HTML ("{found[0]}") in the answer'
    if found := _REFUSAL.search(answer[:_REFUSED_WITHIN]):
        return f'the answer refuses the task or its format ("{found[0].strip()[:30]}")'
    return None


def _says_nothing(answer: str) -> str | None:
    if not _NOTHING.fullmatch(answer.strip()):
        return None
    return f'nothing is said ("{answer.strip()[:30]}")'


def _only_refuses(answer: str) -> str | None:
    found = _WHOLE_REFUSAL.match(answer[:_REFUSED_WITHIN])
    if not found or len(answer) + len(_HAN.findall(answer)) > _SHORT:
        return None
    return f'the answer only refuses ("{found[0].strip()[:30]}")'


def check_formats(file: str, rows: Sequence[Row], format_of: FormatOf) -> Iterator[Finding]:
    """Yield what breaks W6."""
    for row in rows:
        if row.answer is None:
            continue
        state = format_of(row.question, row.answer)
        if state in ("recoverable", "fail"):
            said = "is not in the form asked for, but can be read"
            text = said if state == "recoverable" else "cannot be read in the form asked for"
            yield warning("W6", file, f"{state}: the answer {text}", line=row.line, id=row.id)


def check_groups(file: str, split: Iterable[tuple[str, Sequence[int]]]) -> Iterator[Finding]:
    """Yield what breaks W8: the groups, by id and lines, whose copies are answered apart."""
    for name, lines in split:
        text = f"{len(lines)} shuffled copies are not answered alike"
        yield warning("W8", file, text, line=min(lines), id=name)


def _start(answer: str) -> str:
    return answer.lstrip()[:OPENING]
