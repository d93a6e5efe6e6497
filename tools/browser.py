"""Chromium without a window, driven through a pipe by its own protocol: no driver to install, no port, no network.

`Browser` opens the pages of the book as a reader does, from files, looks at them and prints them.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""Names under which it is installed."""
PATIENCE = 600
"""Seconds to wait for an answer; printing the whole book takes minutes."""


class BrowserError(Exception):
    """The browser could not do what it was asked to; the message is its own."""


def find() -> str | None:
    """Where Chromium or Chrome is; None without one."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    """One page of one browser, which ends with the block: `with Browser() as browser: ...`.

    Raises:
        BrowserError: there is no Chromium, it ends, a page does not load or a script throws.
    """

    def __init__(self) -> None:
        program = find()
        if program is None:
            raise BrowserError("there is no Chromium: install it (Debian: `apt install chromium`)")
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        (read_here, write_there), (read_there, write_here) = os.pipe(), os.pipe()
        arguments = [program, "--headless", "--disable-gpu", "--disable-background-networking"]
        arguments += ["--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={self._profile.name}"]
        if not hasattr(os, "getuid") or os.getuid() == 0:  # its sandbox does not work for root
            arguments.append("--no-sandbox")
        # The protocol's ends are the descriptors 3 and 4, whatever the pipes got.
        shell = f'exec 8<&{read_there} 9>&{write_there}; exec "$@" 3<&8 4>&9 8<&- 9>&-'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "browser", *arguments, "about:blank"],
            pass_fds=(read_there, write_there),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_there)
        os.close(write_there)
        self._from, self._to = os.fdopen(read_here, "rb"), os.fdopen(write_here, "wb")
        self._sent, self._left, self._session = 0, b"", ""
        try:
            targets = self.call("Target.getTargets")["targetInfos"]
            (page,) = (target for target in targets if target["type"] == "page")
            attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
            self._session = attached["sessionId"]
            self.call("Page.enable")
            self.call("Network.enable")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser."""
        with suppress(ProcessLookupError):  # with its children, which would write on into the profile
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._from.close()
        with suppress(BrokenPipeError):  # a command that an ended browser did not take
            self._to.close()
        self._profile.cleanup()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a command of the DevTools protocol."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        try:
            self._to.write(json.dumps(message).encode() + b"\0")
            self._to.flush()
        except BrokenPipeError:
            raise BrowserError(f"{method}: the browser has ended") from None
        while True:
            answer = self._next(method)
            if answer.get("id") == self._sent:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])

    def _next(self, awaited: str) -> dict[str, Any]:
        """The next message of the browser, an answer or an event."""
        while b"\0" not in self._left:
            if not select.select([self._from], [], [], PATIENCE)[0]:
                raise BrowserError(f"{awaited}: no answer in {PATIENCE} s")
            piece = os.read(self._from.fileno(), 1 << 16)
            if not piece:
                raise BrowserError(f"{awaited}: the browser has ended")
            self._left += piece
        message, self._left = self._left.split(b"\0", 1)
        return dict(json.loads(message))

    def open(self, address: str) -> None:
        """Load an address, and wait until all that belongs to it is there."""
        # An address that differs from the present one after its # alone would load nothing.
        self._load("about:blank")
        self._load(address)

    def _load(self, address: str) -> None:
        answer = self.call("Page.navigate", url=address)
        if "errorText" in answer:
            raise BrowserError(f"{address}: {answer['errorText']}")
        while self.evaluate("document.readyState + ' ' + location.href.split(':')[0]") != (
            "complete " + address.split(":")[0]
        ):
            self.evaluate("new Promise((done) => setTimeout(done, 20))")

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page; of a promise, what it is kept with."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(str(details.get("exception", {}).get("description", details["text"])))
        return answer["result"].get("value")

    def size(self, width: int, height: int = 900) -> None:
        """Show pages in a window of this many pixels; below 500 it is a phone's."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )

    def theme(self, name: str) -> None:
        """What the reader's system prefers: "light" or "dark"."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def block(self, *patterns: str) -> None:
        """Fetch nothing whose address fits one of these, with * for anything."""
        self.call("Network.setBlockedURLs", urls=list(patterns))

    def print(self, path: Path, **options: Any) -> None:
        """Write the page as a PDF; `options` are those of `Page.printToPDF`."""
        options = {"preferCSSPageSize": True, "printBackground": True} | options
        handle = self.call("Page.printToPDF", transferMode="ReturnAsStream", **options)["stream"]
        with path.open("wb") as file:
            for piece in self._pieces(handle):
                file.write(piece)

    def _pieces(self, handle: str) -> Sequence[bytes]:
        pieces, ended = [], False
        while not ended:
            answer = self.call("IO.read", handle=handle, size=1 << 20)
            pieces.append(base64.b64decode(answer["data"]))
            ended = answer["eof"]
        self.call("IO.close", handle=handle)
        return pieces
