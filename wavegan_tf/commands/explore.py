"""Opens a page to set latent variables with, and hear and see every layer follow.

The page and what it asks for come from this program, on this machine alone (127.0.0.1). Ctrl-C
ends it.
"""

import contextlib
import errno
import http.server
import json
import threading
import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from absl import flags

from wavegan_tf.commands.flags import define_path, read_settings_file
from wavegan_tf.commands.run import define_model_flags, open_models
from wavegan_tf.errors import InputError

if TYPE_CHECKING:
    from wavegan_tf.experiments.explore import Explorer

ADDRESS = "127.0.0.1"

MAX_BODY = 1 << 16
"""Bytes of a request; a setting of all variables has some thousand."""

GROUPS = dict.fromkeys(("ckpt", "vary", "seed", "out_dir", "port", "open"), "Basics")
FLAGS = flags.FLAGS


def define_flags() -> None:
    """Defines the flags of the command."""
    GROUPS.update(define_model_flags(several=False))
    flags.DEFINE_list(
        "vary",
        [],
        "Latent variables that get a slider, such as z11,z29; those of the code always have one.",
    )
    flags.DEFINE_integer(
        "seed", 0, "Seed of the base vector that the page opens with.", lower_bound=0
    )
    define_path("out_dir", "explore_out", "Directory for what is saved; created if missing.")
    flags.DEFINE_integer(
        "port", 0, "Port of the page; 0 takes a free one.", lower_bound=0, upper_bound=65535
    )
    flags.DEFINE_bool("open", True, "Open the page in the browser.")


def main() -> None:
    """Serves the page until Ctrl-C."""
    from wavegan_tf.experiments import probe
    from wavegan_tf.experiments.explore import MAX_SEED, Explorer
    from wavegan_tf.experiments.front import experiment_options
    from wavegan_tf.model import Model

    if FLAGS.seed > MAX_SEED:
        raise InputError(f"--seed={FLAGS.seed}: give a seed up to {MAX_SEED}")
    settings = read_settings_file(FLAGS.praat_settings)
    model = open_models()
    assert isinstance(model, Model)
    own = [name for name, group in GROUPS.items() if group != "Basics"]
    given = {name: FLAGS[name].value for name in ("ckpt", *own) if FLAGS[name].present}
    options = experiment_options(probe, {}, model.settings, settings)
    explorer = Explorer(model, options, given)
    with open_server(explorer, FLAGS.port, FLAGS.out_dir, FLAGS.vary, FLAGS.seed) as server:
        print(f"{server.url} shows {model!r}\nCtrl-C ends it.", flush=True)
        if FLAGS.open:
            webbrowser.open(server.url)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
        server.lock.acquire()  # what is being made is done
    print("closed")


class Server(http.server.ThreadingHTTPServer):
    """Serves the page of an explorer, and its outputs one at a time."""

    daemon_threads = True  # one that waits for a browser does not hold up the end

    def __init__(self, port: int, page: tuple[str, str], answers: dict[str, Callable]):
        """Takes the page with its policy, and what answers a setting sent to a path."""
        super().__init__((ADDRESS, port), _Handler)
        self.page, self.answers, self.lock = page, answers, threading.Lock()
        self.hosts = [f"{name}:{self.server_port}" for name in (ADDRESS, "localhost")]
        self.url = f"http://{self.hosts[0]}/"


def open_server(
    explorer: "Explorer", port: int, out_dir: str, vary: list[str], seed: int
) -> Server:
    """Opens the server of an explorer.

    Raises:
        InputError: The port is in use, or not to be had; a variable that is moved is none.
    """
    from wavegan_tf.experiments.explore import Setting
    from wavegan_tf.latents import latent_index
    from wavegan_tf.output.page import explorer_answer, explorer_page

    for name in vary:
        latent_index(name, explorer.model.config, f"--vary={','.join(vary)}")

    def move(content: Any) -> dict[str, Any]:
        setting = explorer.read(content)
        return explorer_answer(explorer.move(setting), str(setting))

    def save(content: Any) -> dict[str, str]:
        folder, command = explorer.save(explorer.read(content), out_dir)
        return {"folder": folder, "command": command}

    z = dict(zip(explorer.names, explorer.latents(Setting(seed, {}))[0].tolist(), strict=True))
    code = {name: value for name, value in z.items() if name.startswith("c")}
    about = {"names": explorer.names, "vary": vary, "seed": seed, "values": code}
    try:
        page = explorer_page(explorer.ordinary, about)
        return Server(port, page, {"/move": move, "/save": save})
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        why = "is in use" if error.errno == errno.EADDRINUSE else "is not open to you"
        raise InputError(f"--port={port}: {why}; give another port, or 0 for a free one") from None


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers ``GET /`` with the page, and settings sent to the paths of the server."""

    server: Server
    timeout = 30  # of a client that says nothing

    def do_GET(self) -> None:
        """Sends the page, the only thing that can be got."""
        if not self._is_own():
            return
        if self.path != "/":
            return self._refuse(404, "no such page; there is /")
        text, policy = self.server.page
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
        self._send(200, headers, text)

    def do_POST(self) -> None:
        """Answers a setting."""
        if not self._is_own():
            return
        origin = self.headers.get("Origin")
        if origin is not None and origin not in [f"http://{host}" for host in self.server.hosts]:
            return self._refuse(403, "asked for by a foreign page")
        if self.path not in self.server.answers:
            return self._refuse(404, f"no such path; there are {', '.join(self.server.answers)}")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            return self._refuse(411, "Content-Length: give the number of bytes")
        if len(length) > 9 or int(length) > MAX_BODY:
            return self._refuse(413, f"{length[:9]} bytes: send no more than {MAX_BODY}")
        try:
            content = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            return self._refuse(400, "no JSON; send a setting")
        try:
            with self.server.lock:  # one network, one Praat
                answer = self.server.answers[self.path](content)
        except InputError as error:
            return self._refuse(400, str(error))
        except OSError as error:
            where = error.filename or "file system"
            return self._refuse(500, f"{where}: {error.strerror}")
        self._send_json(200, answer)

    def _is_own(self) -> bool:
        """Refuses a request under a foreign name, which a page of that name could have sent."""
        if self.headers.get("Host") in self.server.hosts:
            return True
        self._refuse(403, f"this is {self.server.url} alone")
        return False

    def _refuse(self, status: int, why: str) -> None:
        self._send_json(status, {"error": why})

    def _send_json(self, status: int, content: dict[str, Any]) -> None:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        self._send(status, {"Content-Type": "application/json"}, text)

    def _send(self, status: int, headers: dict[str, str], text: str) -> None:
        body = text.encode("utf-8")
        about = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        self.send_response(status)
        for name, value in (headers | about | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        with contextlib.suppress(ConnectionError):  # the page was closed
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: a line for every move is no news."""
