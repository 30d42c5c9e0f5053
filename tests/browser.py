"""A headless Chromium that a test drives through pipes, by Chromium's own DevTools protocol."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from docs.pictures import find_chromium

_KEYS = {"Enter": ("\r", 13), "Escape": ("", 27), "Tab": ("\t", 9)}
_FROM_US, _TO_US = 3, 4


class Browser:
    """One page in a window of `width` x `height` pixels; as a phone if it is narrow.

    Attributes:
        requests: addresses that the page asked for.
        console: errors and warnings that it left.
    """

    def __init__(self, profile: Path, width: int, height: int = 900, dark: bool = False) -> None:
        chromium = find_chromium()
        assert chromium is not None
        theirs, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # Where neither can be one of the two numbers that Chromium reads and writes.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (theirs, theirs_out)]

        def give() -> None:
            os.dup2(ends[0], _FROM_US)
            os.dup2(ends[1], _TO_US)

        self._process = subprocess.Popen(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={profile}",
             "--lang=en-US", "about:blank"],
            preexec_fn=give, close_fds=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for end in (theirs, theirs_out, *ends):
            os.close(end)
        self._number, self._session, self._read = 0, "", b""
        self.requests: list[str] = []
        self.console: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        found = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Runtime", "Network", "DOM", "Log"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 500,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._process.terminate()
        self._process.wait(timeout=60)
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol; return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next(60)
            assert answer is not None, f"no answer to {method}"
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])

    def _next(self, seconds: float) -> dict[str, Any] | None:
        """Return the next message within so many seconds, and note what events tell."""
        until = time.monotonic() + seconds
        while b"\0" not in self._read:
            ready, _, _ = select.select([self._in], [], [], max(0, until - time.monotonic()))
            if not ready:
                return None
            self._read += os.read(self._in, 1 << 20)
        raw, self._read = self._read.split(b"\0", 1)
        message = dict(json.loads(raw))
        params = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif message.get("method") == "Log.entryAdded":
            self.console.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif message.get("method") == "Runtime.exceptionThrown":
            self.console.append(json.dumps(params["exceptionDetails"]))
        return message

    def run(self, script: str) -> Any:
        """Return what an expression gives on the page; a promise is waited for."""
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, script: str, seconds: float = 60) -> Any:
        """Wait until an expression is true on the page, and return it."""
        end = time.monotonic() + seconds
        while not (found := self.run(script)):
            assert time.monotonic() < end, f"never true: {script}\n{self.run(_TEXT)}"
            time.sleep(0.05)
        return found

    def open(self, url: str) -> None:
        """Open a page and wait until its scripts say that it is ready."""
        self.call("Page.navigate", url=url)
        self.until("document.body !== null && document.body.dataset.ready === 'yes'")

    def type(self, text: str) -> None:
        """Type a text into what has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key: str) -> None:
        """Press a key: a character, or one of Enter, Escape and Tab."""
        text, code = _KEYS[key] if key in _KEYS else (key, ord(key.upper()))
        about = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file in a field."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def text(self) -> str:
        """Return the words that are seen."""
        return str(self.run(_TEXT))

    def beyond(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        root = "document.documentElement"
        return int(self.run(f"{root}.scrollWidth - {root}.clientWidth"))

    def hosts(self) -> set[str]:
        """Return the machines that the page asked."""
        addresses = [urlsplit(url) for url in self.requests]
        return {str(url.hostname) for url in addresses if url.scheme not in ("data", "blob")}

    def picture(self, path: Path) -> None:
        """Write what is seen as a PNG."""
        content = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(content))


_TEXT = "document.body.innerText"
