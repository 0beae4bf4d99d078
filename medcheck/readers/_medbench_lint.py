"""What MedBench's question texts ask for and cannot all have; pictures are looked at elsewhere.

Each rule is a small pure function of a question: a reason, or nothing.

Source: medbench.md section 4, findings 2 and 3.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping

JSON_FORMATS = frozenset(
    {
        "boxes",
        "fields_json",
        "insurance_json",
        "numbered_json",
        "ocr_json",
        "plan_json",
        "report_errors",
        "treatment_json",
    }
)
"""Rules of `scoring.formats` that read JSON only."""
MIXED_FORMATS = frozenset({"outcome", "record_dict", "events", "text"})
"""Rules that take JSON beside other forms, and free text, whose form only the question tells."""

_MAY = "(?:再|要|得|能|可以?|准|许|用|以)?"
_VERB = "(?:输出|使用|返回|采用|生成|给出|写成?|提供|回答|回复|出现|包含|附上?|带有?|用|以)"
_AROUND = r"(?:任何|一个|成|为|标准|的|\s)*"
_APART = (
    r"(?!\s*(?:格式|对象|数组)?\s*的?\s*"
    r"(?:以外|之外|外|前|后|中|里|内|代码块|标记|标签|标识|注释|键|字段|语法|解析|错误))"
)
_BANS = (
    re.compile(
        rf"(?:禁止|不要|不得|请勿|切勿|不能|不可|不许|不允许|避免|无需|不用|不|勿|别){_MAY}{_VERB}"
        rf"{_AROUND}json{_APART}",
        re.IGNORECASE,
    ),
    # words so strong that no verb needs to follow
    re.compile(
        rf"(?:严禁|禁止|禁用|不要|请勿|切勿|杜绝|拒绝|不接受){_MAY}{_VERB}?{_AROUND}json{_APART}",
        re.IGNORECASE,
    ),
    re.compile(
        r"json\s*(?:格式)?(?:的?(?:输出|回答|结果))?\s*(?:是|被|均|都|一律)*(?:严禁|禁止|禁用|不允许|"
        r"不被允许|不被接受)(?!的?(?:修改|更改|改变|添加|增加|省略|出现))",
        re.IGNORECASE,
    ),
    re.compile(r"(?:只|仅)(?:能|可以?|允许|需)?(?:输出|返回|回答|使用)(?:纯文本|自然语言|文字)"),
    re.compile(r"直接输出(?:纯)?文本"),
    re.compile(
        r"\b(?:do not|don't|never|must not|may not|cannot|avoid|without)\s+(?:ever\s+)?"
        r"(?:(?:output|use|return|answer|reply|respond|write|give|produc|print|us|be|contain|"
        r"includ)(?:e|ing)?\s+)?"
        r"(?:in|with|as|any|a|\s)*\s*json\b(?!\s+(?:keys?|in|inside|within))",
        re.IGNORECASE,
    ),
    re.compile(
        r"\bjson\b(?:\s+(?:format|output|answers?|objects?|replies))?\s+(?:is|are)\s+(?:strictly\s+)?"
        r"(?:forbidden|prohibited|banned|disallowed|not\s+(?:allowed|permitted|accepted))\b",
        re.IGNORECASE,
    ),
    re.compile(r"\bno json\b", re.IGNORECASE),
    re.compile(r"\b(?:plain text only|only (?:in )?plain text)\b", re.IGNORECASE),
)
_DEMAND = re.compile(
    r"(?:(?:输出|返回|格式|采用|使用|以|按照?|遵守|遵循|用)[^。\n]{0,15}json"
    r"|json\s*(?:格式|数组|对象|列表)"
    r"|(?:必须|只能|应)(?:是|为)[^。\n]{0,8}json"
    r"|\b(?:output|return|answer|reply|respond|use)\b[^.\n]{0,30}\bjson\b"
    r"|\b(?:must|should|has to|have to)\s+(?:always\s+)?be\b[^.\n]{0,20}\bjson\b"
    r"|\b(?:only\s+(?:valid\s+)?json|json\s+only)\b)",
    re.IGNORECASE,
)
_LETTERS_ONLY = re.compile(
    r"(?:只|仅)(?:能|可以?|允许|需要?|须|要)?(?:输出|返回|回答|回复|给出|写出?|填写?|提供)"
    r"[^。，,；;\n]{0,8}(?:字母|选项(?!\s*(?:的|中的|对应的)?(?:内容|文字|文本|全文)))"
    r"|\b(?:only|just)\s+(?:with\s+|in\s+)?(?:(?:the|a|one|single|correct|option|choice|answer)(?:'s)?\s+)*"
    r"letters?\b"
    r"|\bletters?\s+only\b",
    re.IGNORECASE,
)
_PASSED_OVER = re.compile(r"//[^\n\"]*$|(?:,\s*)?(?:\.{3,}|…+)(?:\s*,)?", re.MULTILINE)
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_STAND_IN = re.compile(r"(?<=[\[,:])\s*[^\W\d][\w/|]*\s*(?=[,\]}])")
"""A bare word in the place of a value, such as `x1`."""
_TRAILING = re.compile(r",\s*[}\]]")
_KEY = re.compile(r'["”]\s*[:：]')
_BEGINS = re.compile(r"""[\[{\s]*["'“][^"'”\n]{1,40}["'”]\s*[:：]""")
"""A bracket with a key behind it begins a template, one of an interval does not."""
_LONGEST = 4000

_EMPTY_DICT = re.compile(r"空\s*(?:的)?\s*(?:dict|字典|对象)", re.IGNORECASE)
_EMPTY_LIST = re.compile(r"空\s*(?:的)?\s*(?:list|列表|数组)", re.IGNORECASE)
_CHINESE_MARK = re.compile(r"中文(分号|逗号)[^\n]{0,40}?例如?[:：]([^\n\]】]*)")
_MARKS = {"分号": (";", "；"), "逗号": (",", "，")}
_CLASSES = re.compile(r"(?m)^(?:病变)?类别[:：]([^\n]+)$")
_EXAMPLE = re.compile(r'"类别"\s*[:：]\s*\[\s*"([^"]+)"')
_EXAMPLES = re.compile(r"(?:输出)?示例")
_GLUED = re.compile(r"(?<=[A-Za-z0-9])([B-H])([.．、])(?=[^\d\s])")


def ban_of_json(text: str) -> str | None:
    """Return the words that forbid JSON; `None`: nothing does."""
    return next((found[0] for ban in _BANS if (found := ban.search(text))), None)


def demand_of_json(text: str) -> str | None:
    """Return the words that demand JSON; `None`: nothing does, or they are part of a ban."""
    for ban in _BANS:
        text = ban.sub("", text)
    found = _DEMAND.search(text)
    return found[0] if found else None


def demand_of_letters(text: str) -> str | None:
    """Return the words that demand the letter of an option and nothing else; `None`: none do."""
    found = _LETTERS_ONLY.search(text)
    return found[0] if found else None


def json_template(question: str) -> str | None:
    """Tell what makes a JSON template of the question invalid.

    Dots that stand for more, bare words in the place of values, comments and Python literals are
    no faults: they are read as meant.
    """
    if demand_of_json(question) is None:
        return None
    return next((why for block in _blocks(question) if (why := _invalid(block))), None)


def dict_and_list(question: str) -> str | None:
    """Tell that an empty object and an empty list are both demanded for the same thing."""
    if _EMPTY_DICT.search(question) and _EMPTY_LIST.search(question):
        return "asks for an empty dict and for an empty list where nothing is found"
    return None


def other_mark(question: str) -> str | None:
    """Tell that a Chinese mark is demanded and the example beside it has the ASCII one."""
    for name, example in _CHINESE_MARK.findall(question):
        wrong, right = _MARKS[name]
        if wrong in example and right not in example:
            return f'asks for the Chinese "{right}" and shows "{wrong}"'
    return None


def strange_examples(question: str) -> str | None:
    """Tell that the examples use labels that the list of labels does not have."""
    listed = _CLASSES.search(question)
    shown = _EXAMPLES.split(question, maxsplit=1)
    if not listed or len(shown) == 1:
        return None
    names = {name.strip() for name in re.split("[、,，]", listed[1])}
    strange = [name for name in dict.fromkeys(_EXAMPLE.findall(shown[1])) if name not in names]
    return (
        f"uses labels in its examples that it does not list: {'、'.join(strange)}"
        if strange
        else None
    )


def glued_options(question: str) -> str | None:
    """Tell that an option's letter follows a letter or digit of the option before."""
    for found in _GLUED.finditer(question):
        letter = found[1]
        before, mark = chr(ord(letter) - 1), re.escape(found[2])
        offered = re.search(rf"(?<![A-Za-z0-9]){before}{mark}", question[: found.start()])
        if offered and not re.search(rf"(?<![A-Za-z0-9]){letter}{mark}", question):
            around = question[max(0, found.start() - 3) : found.end()]
            return f'glues option {letter} to the one before: "{around}"'
    return None


RULES: Mapping[str, Callable[[str], str | None]] = {
    "json_template": json_template,
    "dict_and_list": dict_and_list,
    "other_mark": other_mark,
    "strange_examples": strange_examples,
    "glued_options": glued_options,
}
"""By name: what a question's text contradicts itself in. All are warnings."""


def _invalid(block: str) -> str | None:
    kept: list[str] = []

    def hide(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f'"{len(kept)}"'

    bare = _STAND_IN.sub("0", _PASSED_OVER.sub(_comma, _STRING.sub(hide, block)))
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(bare)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if read is json.loads or not _TRAILING.search(bare):
            del value
            return None
    if _TRAILING.search(bare):
        return "has a JSON template with a comma before its closing bracket"
    return "has a JSON template that is no valid JSON"


def _comma(found: re.Match[str]) -> str:
    """Return what stands for dots and the commas around them: one comma between two values."""
    follows = found.string[found.end() :].lstrip()[:1]
    return "" if "," not in found[0] or follows in "}]" else ","


def _blocks(text: str) -> Iterator[str]:
    """Yield the outermost bracketed parts that hold a quoted key; also one that never closes."""
    start, opened = 0, ""
    bare = _STRING.sub(lambda found: '"' + "_" * (len(found[0]) - 2) + '"', text)
    for place, sign in enumerate(bare):
        if sign in "{[":
            start = start if opened else place
            opened += sign
        elif sign in "}]" and opened:
            crossed = opened[-1] != "{["["}]".index(sign)]
            opened = "" if crossed else opened[:-1]
            block = text[start : place + 1]
            if not opened and len(block) <= _LONGEST and _KEY.search(block):
                yield block
    if opened and _BEGINS.match(text, start):
        yield text[start : start + _LONGEST]
