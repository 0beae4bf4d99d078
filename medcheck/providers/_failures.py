"""What went wrong with a call, as a `ProviderError`; no connection, no retry.

Source: the project's rule R3: 408, 409, 429, 5xx, lost connections and timeouts may be tried again;
other refusals not; 401, 403 and 404 would meet every further call.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from medcheck.errors import ProviderError
from medcheck.providers._entry import Entry, Secret

MAX_REPLY = 64_000_000
"""Bytes of one reply, unpacked; of a streamed one, with all that stands around its pieces."""
LONGEST_WAIT = 120.0
"""Seconds; a longer Retry-After is cut to this."""
_LONGEST_TEXT = 200
_LONGEST_READ = 20 * _LONGEST_TEXT
_RETRYABLE = frozenset({408, 409, 425, 429})
# 402: the account is empty.
_STOPS_RUN = frozenset({401, 402, 403, 404})
_OUT_OF_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_SCRUB = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|sess)[-_][\w*.-]{4,}"
    r"|\b(?:bearer|basic)\s+[\w*.~+/=-]{4,}"
    r"|\bAIza[\w*-]{8,}"
    r"|\beyJ[\w-]{8,}\.[\w.-]+"
    r"|\b(?:api[-_ ]?key|key|token|secret|password|authorization)\b[\"']?\s*[:=]\s*"
    r"[\"']?[^\s\"',;&]{4,}"
    r"|(?<=://)[^/\s@]+@"
    r"|(?<=[\w/])\?[^\s\"'<>]+=[^\s\"'<>]*",
    re.IGNORECASE,
)
_FILTER_CODES = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "responsibleaipolicyviolation",
        # Alibaba, DeepSeek and Zhipu.
        "data_inspection_failed",
        "datainspectionfailed",
        "1301",
    }
)
_FILTER_WORDS = re.compile(
    r"content (?:management |safety |usage )?(?:filter|polic)|content exists risk|"
    r"inappropriate content|safety system|敏感内容|不安全或敏感",
    re.IGNORECASE,
)
_CONNECT_TIMEOUTS = frozenset({"ConnectionTimeoutError", "ConnectTimeout", "PoolTimeout"})
_READ_TIMEOUTS = frozenset(
    {"SocketTimeoutError", "ServerTimeoutError", "ReadTimeout", "WriteTimeout"}
)
# aiohttp's names; its adapter reports all of them as a connection timeout, which they are not.
_LOST = frozenset({"ServerDisconnectedError", "ClientOSError", "ClientConnectionResetError"})
_NEVER_REACHED = frozenset(
    {
        "ClientConnectorError",
        "ClientConnectorDNSError",
        "ConnectError",
        "ClientConnectorCertificateError",
    }
)
_PROXY = frozenset({"ClientProxyConnectionError", "ClientHttpProxyError", "ProxyError"})


def refused(
    entry: Entry, status: int, headers: Mapping[str, str], body: Any, key: Secret
) -> ProviderError:
    """Return the error for an HTTP status other than success."""
    code, text = _details(body)
    filtered = status in {400, 403, 422} and _is_filter(code, text)
    broke = status == 429 and code in _OUT_OF_MONEY
    shown = _said(text, key)
    return ProviderError(
        f"{_of(entry)}: HTTP {status} from {entry.host}.{shown}",
        hint="" if filtered else _advice(entry, status, broke=broke),
        status=status,
        retryable=(status in _RETRYABLE or status >= 500) and not broke,
        stop_run=broke or (status in _STOPS_RUN and not filtered),
        filtered=filtered,
        retry_after=retry_after(headers),
    )


def reported(entry: Entry, error: Any, key: Secret) -> ProviderError:
    """Return the error for a reply that says HTTP 200 and holds an error instead of choices."""
    code, text = _details(error)
    if re.fullmatch("[45][0-9][0-9]", code):
        return refused(entry, int(code), {}, error, key)
    filtered = _is_filter(code, text)
    return ProviderError(
        f"{_of(entry)}: {entry.host} sent an error in place of a reply.{_said(text, key)}",
        status=200,
        retryable=not filtered,
        filtered=filtered,
    )


def unreadable(entry: Entry, why: str) -> ProviderError:
    """Return the error for a reply that says success and cannot be used."""
    return ProviderError(
        f"{_of(entry)}: the reply of {entry.host} cannot be used: {why}.",
        status=200,
        retryable=True,
    )


def unusable(entry: Entry, why: str, *, status: int | None = 200) -> ProviderError:
    """Return the error for a reply that is of no use, and would not be if it were sent again."""
    return ProviderError(
        f"{_of(entry)}: the reply of {entry.host} cannot be used: {why}.",
        status=status,
        maybe_paid=True,
    )


class ReplyTooLargeError(OSError):
    """A reply was not read to its end; see `MAX_REPLY`."""


class NoConnectionError(ProviderError):
    """The endpoint was not even reached, so nothing can have been paid."""


def timed_out(entry: Entry) -> ProviderError:
    """Return the error for a call that we gave up after its total time."""
    return _late(entry, f"no full reply from {entry.host} within {entry.timeout.total:g} s")


def disconnected(entry: Entry, error: BaseException) -> ProviderError:
    """Return the error for a connection that failed; its own text is never shown."""
    names = {
        name for link in _chain(error) for name in (cls.__name__ for cls in type(link).__mro__)
    }
    own = {type(link).__name__ for link in _chain(error)}
    if ReplyTooLargeError.__name__ in own:
        return unusable(entry, f"it has more than {MAX_REPLY / 1e6:.0f} MB", status=None)
    if names & _READ_TIMEOUTS and not own & _CONNECT_TIMEOUTS:
        return _late(entry, f"nothing heard from {entry.host} for {_patience(entry):g} s")
    if own & _PROXY:
        what, hint = (
            f"no way to {entry.host} through the proxy",
            "Check HTTP_PROXY and HTTPS_PROXY.",
        )
    elif "ClientConnectorCertificateError" in own or "SSLCertVerificationError" in own:
        return ProviderError(
            f"{_of(entry)}: the certificate of {entry.host} is not trusted.",
            hint="Point SSL_CERT_FILE to the certificates of your organization.",
            stop_run=True,
        )
    elif own & _NEVER_REACHED or (own & _CONNECT_TIMEOUTS and not own & _LOST):
        what, hint = (
            f"no connection to {entry.host}",
            "Is the server running, and the address right?",
        )
    else:
        text = f"{_of(entry)}: the connection to {entry.host} was lost."
        return ProviderError(text, retryable=True)
    return NoConnectionError(f"{_of(entry)}: {what}.", hint=hint, retryable=True)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a server asks us to wait, from 0 to 120; `None`: nothing usable said."""
    text = headers.get("retry-after-ms", "")
    milliseconds = _number(text)
    if milliseconds is not None:
        return min(milliseconds / 1000, LONGEST_WAIT)
    text = headers.get("retry-after", "").strip()
    seconds = _number(text)
    if seconds is None:
        seconds = _until(text)
    return None if seconds is None else min(seconds, LONGEST_WAIT)


def scrub(text: str, key: Secret) -> str:
    """Return a server's text as one short line without anything that looks like a key."""
    if key:
        text = text.replace(key.reveal(), "***")
    line = " ".join(_SCRUB.sub("***", text[:_LONGEST_READ]).split())
    line = "".join(char for char in line if char.isprintable())
    return line if len(line) <= _LONGEST_TEXT else f"{line[: _LONGEST_TEXT - 1]}…"


def _of(entry: Entry) -> str:
    return f'model "{entry.name}"'


def _said(text: str, key: Secret) -> str:
    shown = scrub(text, key)
    return f' It says: "{shown}"' if shown else ""


def _late(entry: Entry, what: str) -> ProviderError:
    return ProviderError(
        f"{_of(entry)}: {what}.",
        hint="Raise timeout for it in models.yaml if it needs longer.",
        retryable=True,
        maybe_paid=True,
    )


def _patience(entry: Entry) -> float:
    return entry.timeout.idle if entry.stream else entry.timeout.total


def _advice(entry: Entry, status: int, *, broke: bool) -> str:
    variable = entry.key_stands_in_for or entry.api_key_env or "the key of the server"
    other = "or choose another model with --model."
    if status == 401:
        return f"Set {variable}, {other}"
    if status == 403:
        return f"Check that the key in {variable} may use this model, {other}"
    if status == 404:
        return f'Check the address and the model name "{entry.model}", {other}'
    if status == 402 or broke:
        return f"Top up the account, {other}"
    return ""


def _details(body: Any) -> tuple[str, str]:
    """Return code and text of an error body, empty where it has none."""
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            return "", "" if "<html" in body[:500].lower() else str(body)
    while isinstance(body, Mapping) and isinstance(body.get("error"), (Mapping, str)):
        body = body["error"]
    if not isinstance(body, Mapping):
        return "", body if isinstance(body, str) else ""
    inner = body.get("innererror")
    codes = (
        inner.get("code") if isinstance(inner, Mapping) else None,
        body.get("code"),
        body.get("type"),
    )
    code = next((str(code) for code in codes if code and isinstance(code, str | int)), "")
    return code.lower(), _written(body.get("message") or body.get("detail") or "")


def _written(text: Any) -> str:
    try:
        return text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""


def _is_filter(code: str, text: str) -> bool:
    return code in _FILTER_CODES or bool(_FILTER_WORDS.search(text))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _until(text: str) -> float | None:
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())
