"""Letters that a reply picks without saying "answer", for replies that say nothing plainer.

Read is a sentence that picks one letter, names no other one and holds no negation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_SENTENCE = re.compile(r"[\n。；！？]+|(?<=[.!?])\s+")
_WORD = r"(?i:(?:the\s+)?(?:option|choice|answer|letter)\s+)?"
_ONE = r"[(\[]?([A-Z])[)\]]?(?![A-Za-z0-9'’-])"
_STOP = r"(?=\s*(?:$|[.,;:!)]|(?i:because|since|as|for|due|given|here)\b))"
_BEGIN = r"(?:^|(?i:\b(?:therefore|thus|hence|so|then)\b)[,:]?)\s*"
_WHO = (
    r"(?i:\b(?:i|we|let['’]?s|let\s+us)(?:['’](?:d|ll|m))?"
    r"(?:\s+(?:would|will|shall|should|must|can|do|am|are|going\s+to|therefore|thus|have|had))*\s+)"
)
_TAKE = (
    r"(?i:choose|chose|chosen|choosing|select(?:ed|ing)?|pick(?:ed|ing)?|"
    r"go(?:ing)?\s+with|opt\s+for)"
)
_PICKS = (
    re.compile(rf"^(?i:option|choice|letter|选项)\s*[:：]?\s*{_ONE}(?=\s*(?:$|[.,;:!]))"),
    re.compile(rf"(?:{_WHO}|{_BEGIN}){_TAKE}\s+{_WORD}{_ONE}{_STOP}"),
    re.compile(rf"(?i:\bmy\s+(?:choice|pick|selection)(?:\s+is|\s*:))\s*{_WORD}{_ONE}{_STOP}"),
    re.compile(
        rf"(?:{_BEGIN}|,\s*|(?i:\bthat\s+|\b(?:think|believe|conclude)\s+)){_WORD}{_ONE}"
        r"(?i:\s+(?:is|must\s+be|would\s+be|seems|looks)\s+(?:clearly\s+)?(?:the\s+)?(?:single\s+)?"
        r"(?:correct|right|best|most\s+(?:appropriate|likely|suitable))\b)"
    ),
    re.compile(
        rf"(?:^|[，,：:]|因此|所以|故|即)\s*(?:选项)?\s*{_ONE}\s*项?\s*(?:应该|应当)?[是为]?(?:正确|最佳|最合适|对的)"
    ),
)
_RATHER = re.compile(
    rf"(?i:\bnot)\s+{_WORD}{_ONE}\s*[,;:–—-]*\s*"
    rf"(?i:but(?:\s+rather)?(?:\s+it\s+is)?|it\s+is|it['’]s|rather)\s+{_WORD}{_ONE}(?=\s*(?:$|[.,;!]))"
)
_DENIES = re.compile(
    r"(?i)\b(?:not|never|neither|nor|no|cannot|if|whether|could|might|may|tempted|wrong|incorrect)\b"
    r"|n['’]t\b|[不没未非]|错|如果|可能"
)
_LIMITS = re.compile(
    r"(?i)\b(?:if|unless|but|however|only|though|although)\b|\bnot\s+(?:sure|certain|always|necessarily)\b|\?|但"
)
"""Behind a pick these take it back, or half."""
_DISMISSES = re.compile(rf"{_DENIES.pattern}|\b(?:less|worse|unlikely|too|contraindicated)\b")
_LETTERS = re.compile(r"(?<![A-Za-z0-9'’])([A-Z])(?![A-Za-z0-9'’])")
_ARTICLE = re.compile(
    r"(?<![A-Za-z0-9'’])A(?=\s+(?!(?:is|or|and|would|because|since|as)\b)[a-z])|\bI\b"
)


def picked(text: str) -> Sequence[str]:
    """Return the letters that the sentences of a reply pick, each once.

    A later sentence that names another letter, and does not dismiss it, adds that.
    """
    found: list[str] = []
    for sentence in map(str.strip, _SENTENCE.split(text)):
        letters = _of(sentence)
        if not letters and found and not _DISMISSES.search(sentence):
            letters = sorted(_named(sentence))
        found += letters
    return tuple(dict.fromkeys(found))


def _of(sentence: str) -> Sequence[str]:
    if (rather := _RATHER.search(sentence)) and rather[1] != rather[2]:
        return [rather[2]] if _named(sentence) <= {rather[1], rather[2]} else ()
    found = {
        match[1]
        for pattern in _PICKS
        for match in pattern.finditer(sentence)
        if not _DENIES.search(sentence, 0, match.end())
        and not _LIMITS.search(sentence, match.end())
    }
    return tuple(found) if len(found) == 1 and _named(sentence) <= found else ()


def _named(sentence: str) -> set[str]:
    return set(_LETTERS.findall(_ARTICLE.sub(" ", sentence)))
