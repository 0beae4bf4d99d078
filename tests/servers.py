"""A scripted OpenAI-compatible server on loopback, for tests that need a real endpoint.

    with Server("hello") as server:                     # always this text
    with Server([Reply(status=429), "hello"]) as ...    # one after the other, the last for ever
    with Server(lambda body: body["model"]) as ...      # computed from the request

`server.url` is the base URL, `server.requests` what arrived. It also serves as a forward proxy
for plain HTTP: whatever address a request names, the answer is the scripted one.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server does with one request."""

    text: str | None = "ok"
    message: Mapping[str, Any] = field(default_factory=dict)
    """Further or other fields of the message."""
    finish: str | None = "stop"
    usage: Any = None
    body: Any = None
    """In place of a completion: JSON, or the bytes themselves."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the first byte."""
    chunks: Sequence[Any] | None = None
    """Streamed events (JSON, or text as it is); `[DONE]` is added unless `cut`."""
    pause: float = 0.0
    """Seconds between streamed events."""
    reset: bool = False
    """Break the connection instead of answering."""
    cut: bool = False
    """Break the connection half way through the answer."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request that arrived."""

    path: str
    headers: Mapping[str, str]
    body: Any


Script = str | Reply | Sequence[str | Reply] | Callable[[Any], str | Reply]


class Server:
    """Answers as scripted until the `with` block ends."""

    def __init__(
        self, script: Script = "ok", *, certificate: tuple[Path, Path] | None = None
    ) -> None:
        self._script = script
        self._lock = threading.Lock()
        self.requests: list[Asked] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"scripted": self})
        self._http = _Http(("127.0.0.1", 0), handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._http.socket = context.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self._scheme = "https" if certificate else "http"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        """Scheme, host and port."""
        return f"{self._scheme}://127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"{self.address}/v1"

    @property
    def bodies(self) -> list[Any]:
        """The JSON bodies that arrived, in order."""
        return [asked.body for asked in self.requests]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def take(self, asked: Asked) -> Reply:
        """Log a request and return what to do with it."""
        with self._lock:
            number = len(self.requests)
            self.requests.append(asked)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        script: Any = self._script
        if callable(script):
            script = script(asked.body)
        elif not isinstance(script, (str, Reply)):
            script = script[min(number, len(script) - 1)]
        return script if isinstance(script, Reply) else Reply(text=script)

    def done(self) -> None:
        """Note that a request is over."""
        with self._lock:
            self.in_flight -= 1


def completion(reply: Reply, model: str = "m") -> dict[str, Any]:
    """Return the Chat Completions object of a reply."""
    message = {"role": "assistant", "content": reply.text, **reply.message}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish}],
        "usage": reply.usage,
    }


def pieces(text: str, *, finish: str | None = "stop", field_name: str = "content") -> list[Any]:
    """Return streamed events that spell a text, a few characters at a time."""
    parts = [text[at : at + 3] for at in range(0, len(text), 3)]
    events: list[Any] = [_delta({field_name: part}) for part in parts]
    return [*events, _delta({}, finish)]


def _delta(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def reasoning_model(body: Any) -> Reply:
    """Refuse what reasoning models refuse, else answer."""
    for name in ("temperature", "top_p", "max_tokens"):
        if name in body:
            text = f"Unsupported parameter: '{name}' is not supported with this model."
            error = {"message": text, "code": "unsupported_parameter", "param": name}
            return Reply(status=400, body={"error": error})
    return Reply(text="ok")


def streaming_only(body: Any) -> Reply:
    """Refuse a request that does not stream, else stream an answer."""
    if not body.get("stream"):
        return Reply(status=400, body={"error": {"message": "This model only supports stream"}})
    return Reply(chunks=pieces("streamed answer"))


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    # Other threads may still hold a hanging request when the test is over.
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: clients of these tests leave early on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet a reply: heads and bodies sent apart wait 40 ms for the client's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    scripted: Server

    def setup(self) -> None:
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        super().setup()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *args: Any) -> None:
        """Stay silent."""

    def _answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.loads(raw) if raw else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.scripted.take(Asked(path=self.path, headers=headers, body=body))
        try:
            self._send(reply, body)
        finally:
            self.scripted.done()

    def _send(self, reply: Reply, body: Any) -> None:
        if reply.delay and self.scripted.closing.wait(reply.delay):
            self.close_connection = True
        elif reply.reset:
            self._break()
        elif reply.chunks is not None:
            self._stream(reply)
        else:
            self._whole(reply, body)

    def _whole(self, reply: Reply, body: Any) -> None:
        model = body.get("model", "m") if isinstance(body, dict) else "m"
        content = completion(reply, model) if reply.body is None else reply.body
        is_raw = isinstance(content, bytes)
        data = content if is_raw else json.dumps(content, ensure_ascii=False).encode()
        self.send_response(reply.status)
        headers = {"content-type": "application/json", **reply.headers}
        for name, value in {**headers, "content-length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if reply.cut else data)
        if reply.cut:
            self._break()

    def _stream(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {"content-type": "text/event-stream", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for chunk in (*(reply.chunks or ()), *(() if reply.cut else ("data: [DONE]",))):
            line = chunk if isinstance(chunk, str) else f"data: {json.dumps(chunk)}"
            self.wfile.write(f"{line}\n\n".encode())
            self.wfile.flush()
            if reply.pause and self.scripted.closing.wait(reply.pause):
                return

    def _break(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        # Linger 0: the client sees a reset, not an orderly end.
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()


@contextmanager
def replaying(tools: Path, place: Path) -> Iterator[str]:
    """Start the replay server on a file of answers, or a folder of these and verdicts.

    Yields its base URL.
    """
    named = {"--answers": place}
    if place.is_dir():
        named = {f"--{kind}": place / f"{kind}.jsonl.gz" for kind in ("answers", "verdicts")}
    options = [str(word) for pair in named.items() for word in pair]
    command = [sys.executable, str(tools / "replay" / "replay.py"), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[1]
        finally:
            server.kill()
