"""A real Chromium for tests, spoken to over a pipe: no driver, no port, no network."""

from __future__ import annotations

import itertools
import json
import os
import select
import shutil
import subprocess
import time

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--lang=en-US", "--remote-debugging-pipe",
)  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find():
    """Return the path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One tab of one browser."""

    def __init__(self, binary, profile):
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        # The shell gives the pipes the numbers 3 and 4, which the browser expects.
        shell = f'exec "$@" 3<&{commands} 4>&{answers}'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "bash", binary, *FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(commands, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session = None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        """Send one command and return its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _next(self):
        deadline = time.monotonic() + 60
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], deadline - time.monotonic())
            assert ready, "the browser does not answer"
            part = os.read(self._read, 1 << 20)
            assert part, "the browser ended"
            self._rest += part
        text, _, self._rest = self._rest.partition(b"\0")
        return json.loads(text)

    def run(self, code):
        """Return the value of a JavaScript expression, awaited if it is a promise."""
        done = self.call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def open(self, url):
        """Open a page and wait until its script is through; return its milliseconds."""
        self.events.clear()
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.wait("location.href !== 'about:blank' && document.documentElement?.dataset.ready")
        return float(self.run("document.documentElement.dataset.ready"))

    def wait(self, code, seconds=30):
        """Wait until a JavaScript expression is true."""
        deadline = time.monotonic() + seconds
        while not self.run(f"!!({code})"):
            assert time.monotonic() < deadline, f"never true: {code}"
            time.sleep(0.02)

    def went_wrong(self):
        """Return what must not happen: dialogs, requests to a network, errors, blocked code."""
        bad = []
        for event in self.events:
            name, details = event.get("method"), event.get("params", {})
            url = details.get("request", {}).get("url", "")
            if name in (
                "Page.javascriptDialogOpening",
                "Runtime.exceptionThrown",
                "Log.entryAdded",
            ) or (
                name == "Network.requestWillBeSent"
                and not url.startswith(("file:", "data:", "about:", "blob:"))
            ):
                bad.append(event)
        return bad

    def close(self):
        """End the browser."""
        self._session = None
        self.call("Browser.close")
        self._process.wait(timeout=20)
        os.close(self._write)
        os.close(self._read)
