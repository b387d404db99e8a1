"""A headless Chromium, driven through its own protocol over a pipe; nothing else is installed."""

import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--disable-dev-shm-usage", "--mute-audio", "--hide-scrollbars",
    "--autoplay-policy=no-user-gesture-required", "--remote-debugging-pipe",
)  # fmt: skip
TIMEOUT_S = 30

# Chromium reads commands from descriptor 3 and writes answers to 4.
_START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3), os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_browser():
    """Path of a Chromium; None without one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One Chromium; use as a context."""

    def __init__(self, profile):
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        command = [sys.executable, "-c", _START, str(commands), str(answers), find_browser()]
        self._process = subprocess.Popen(
            [*command, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(commands, answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(commands)
        os.close(answers)
        self._numbers, self._rest = itertools.count(1), b""
        self.events = []  # of all pages, in order

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._send("Browser.close", {}, None)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def call(self, method, session=None, **parameters):
        """Sends a command and returns its result."""
        number = self._send(method, parameters, session)
        while True:
            message = self._receive(time.monotonic() + TIMEOUT_S)
            if message.get("id") == number:
                assert "error" not in message, (method, message["error"])
                return message["result"]

    def wait_for(self, method, session):
        """Waits for an event of a page, if it has not come yet."""
        deadline = time.monotonic() + TIMEOUT_S
        while not any(x["method"] == method and x["sessionId"] == session for x in self.events):
            self._receive(deadline)

    def _send(self, method, parameters, session):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        message |= {"sessionId": session} if session else {}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        return number

    def _receive(self, deadline):
        while b"\0" not in self._rest:
            left_s = deadline - time.monotonic()
            assert left_s > 0 and select.select([self._read], [], [], left_s)[0], "no answer"
            data = os.read(self._read, 1 << 20)
            assert data, "the browser ended"
            self._rest += data
        text, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(text)
        if "sessionId" in message and "method" in message:
            self.events.append(message)
        return message


class Page:
    """A page of a browser, opened at a file or an address."""

    def __init__(self, browser, path, width=1280, height=900, dark=False, script=True):
        self.browser = browser
        self._target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=self._target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Page.navigate", url=path if isinstance(path, str) else path.resolve().as_uri())
        browser.wait_for("Page.loadEventFired", self.session)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def run(self, expression):
        """The value of an expression of JavaScript, awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True,
            userGesture=True,
        )  # fmt: skip
        assert "exceptionDetails" not in answer, (expression, answer["exceptionDetails"])
        return answer["result"].get("value")

    def until(self, expression):
        """Waits until an expression of JavaScript is true."""
        deadline = time.monotonic() + TIMEOUT_S
        while not self.run(f"Boolean({expression})"):
            assert time.monotonic() < deadline, expression
            time.sleep(0.01)

    def key(self, key):
        """Presses a key where the focus is."""
        codes = {"ArrowLeft": 37, "ArrowRight": 39, "End": 35, "Backspace": 8}
        about = {"key": key, "code": "Space" if key == " " else key}
        typed = key if len(key) == 1 else ""
        about |= {"windowsVirtualKeyCode": codes.get(key) or ord(key), "text": typed}
        self.call("Input.dispatchKeyEvent", type="keyDown", **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def click(self, selector, x=0.5, y=0.5):
        """Presses the mouse on an element, at a share of its width and height."""
        box = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); "
            "e.scrollIntoView({block: 'center', behavior: 'instant'}); "
            "const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()"
        )
        place = {"x": box[0] + x * box[2], "y": box[1] + y * box[3]}
        for kind in ("mousePressed", "mouseReleased"):
            about = {"type": kind, "button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", **about, **place)

    def complaints(self):
        """What the console holds: messages, errors, and what the browser itself logged."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [x["params"] for x in self._events() if x["method"] in kinds]

    def requests(self):
        """Addresses that were asked for."""
        asked = [x for x in self._events() if x["method"] == "Network.requestWillBeSent"]
        return [x["params"]["request"]["url"] for x in asked]

    def _events(self):
        self.run("0")  # what was sent before has come
        return [x for x in self.browser.events if x["sessionId"] == self.session]

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self._target)
