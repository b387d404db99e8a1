"""explore: its server, what it makes of a setting, what it saves, and its page in a browser."""

import base64
import http.client
import json
import re
import shlex
import signal
import socket
import threading
import urllib.request
from pathlib import Path

import browser
import numpy as np
import pytest

from wavegan_tf.commands.explore import MAX_BODY, open_server
from wavegan_tf.commands.run import run
from wavegan_tf.errors import InputError
from wavegan_tf.experiments import probe
from wavegan_tf.experiments.explore import Explorer, Setting
from wavegan_tf.experiments.front import experiment_options
from wavegan_tf.latents import load_latents
from wavegan_tf.model import load
from wavegan_tf.speech import praat

SETTING = {"seed": 3, "values": {"c1": 0, "c2": 1.5, "z11": -4.25}}


@pytest.fixture(scope="module")
def explorer():
    model = load("demo:reduplication")
    return Explorer(model, experiment_options(probe, {}, model.settings), {"ckpt": "a b"})


@pytest.fixture(scope="module")
def server(explorer, tmp_path_factory):
    out_dir = tmp_path_factory.mktemp("explore") / "out"
    with open_server(explorer, 0, str(out_dir), ["z11", "c1", "z11"], 3) as opened:
        opened.out_dir = out_dir
        threading.Thread(target=opened.serve_forever, daemon=True).start()
        yield opened
        opened.shutdown()


@pytest.fixture
def ask(server):
    """Sends a request; returns its status, headers and content."""

    def send(method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
        sent = {"Host": server.hosts[0]} | {k.replace("_", "-"): x for k, x in headers.items()}
        sent = {name: value for name, value in sent.items() if value is not None}
        connection.putrequest(method, path, skip_host=True)
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        if method == "POST":
            sent.setdefault("Content-Length", str(len(text)))
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(text if method == "POST" and len(text) <= MAX_BODY else None)
        answer = connection.getresponse()
        content = answer.read().decode()
        connection.close()
        return answer.status, answer.headers, content

    return send


def test_the_page_is_the_only_thing_that_can_be_got_and_fetches_nothing(ask, server):
    status, headers, page = ask("GET", "/")
    assert status == 200 and server.server_address[0] == "127.0.0.1"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ") and "; connect-src 'self'; " in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:|@import|url\(", page)
    for path in ("/index.html", "/../pyproject.toml", "/move", "/?x", "/etc/passwd"):
        assert ask("GET", path)[0] == 404
    assert ask("POST", "/other", SETTING)[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{}", "127.0.0.1", None])
def test_a_foreign_name_of_the_machine_is_refused(ask, server, host):
    named = host and host.format(server.server_port)
    assert ask("GET", "/", Host=named)[0] == ask("POST", "/move", SETTING, Host=named)[0] == 403


def test_a_foreign_page_is_refused_and_saves_nothing(ask, server):
    port, before = server.server_port, sorted(server.out_dir.glob("*"))
    for origin in ("null", "http://evil.example", f"https://localhost:{port}", "http://127.0.0.1"):
        assert ask("POST", "/save", SETTING, Origin=origin)[0] == 403
    assert sorted(server.out_dir.glob("*")) == before
    own = f"localhost:{port}"
    assert ask("POST", "/move", SETTING, Host=own, Origin=f"http://{own}")[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (b" " * (MAX_BODY + 1), 413, "no more than"),
        (b"{", 400, "no JSON"),
        (b"[" * 60000, 400, "no JSON"),
        ([], 400, "a setting is"),
        ({"seed": 0}, 400, "a setting is"),
        ({"seed": True, "values": {}}, 400, "seed True"),
        ({"seed": -1, "values": {}}, 400, "seed -1"),
        ({"seed": 0, "values": [1]}, 400, "numbers by name"),
        ({"seed": 0, "values": {"z99": 1}}, 400, "'z99'"),
        (b'{"seed": 0, "values": {"z1": NaN}}', 400, "z1 = nan"),
        (b'{"seed": 0, "values": {"z1": 1e999}}', 400, "z1 = inf"),
        (b'{"seed": 0, "values": {"z1": 1%s}}' % (b"0" * 400), 400, "z1 = 1000"),
        (b'{"seed": 0, "values": {"z1": "\\ud800"}}', 400, "z1 = '"),
        ({"seed": 0, "values": {"z1": 1000.5}}, 400, "-1000 to 1000"),
        ({"seed": 0, "values": {"z1": "2"}}, 400, "z1 = '2'"),
    ],
)
def test_what_is_no_setting_is_refused_with_its_reason(ask, body, status, why):
    found, _, content = ask("POST", "/move", body)
    assert found == status and why in json.loads(content)["error"]
    assert ask("POST", "/move", body, Content_Length="-5")[0] == 411


def test_what_is_heard_seen_and_saved_is_what_probe_makes_of_the_latents(ask, explorer, tmp_path):
    answer = json.loads(ask("POST", "/move", SETTING)[2])
    saved = json.loads(ask("POST", "/save", SETTING)[2])
    folder, flags = saved["folder"], shlex.split(saved["command"])
    assert flags[3:5] == ["probe", "--ckpt=a b"]
    latents = next(x for x in flags if x.startswith("--latents=")).partition("=")[2]
    z = load_latents(latents, explorer.model.config)
    np.testing.assert_array_equal(z, explorer.latents(Setting(3, SETTING["values"])))
    assert list(z[0, :2]) == [0, 1.5] and z[0, 12] == -4.25
    np.testing.assert_array_equal(z[0, 2:12], explorer.model.sample(1, seed=3)[0, 2:12])
    given = {"latents": latents, "controls": 0, "jobs": 1}
    options = experiment_options(probe, given, explorer.model.settings)
    probed = probe.run(explorer.model, options, str(tmp_path))
    names = ["out", "conv4", "conv3", "conv2", "conv1"]
    sent = np.frombuffer(base64.b64decode(answer["series"]), "<f4")
    series = probed.arrays["series"]
    np.testing.assert_array_equal(sent, np.concatenate([series[name][0] for name in names]))
    for name in names:
        file = f"0000_{name}.wav"
        assert (tmp_path / "audio" / file).read_bytes() == Path(folder, file).read_bytes()
    rows = probed.tables["intervals"]
    f0 = rows[(rows["measure"] == "f0") & (rows["layer"] == "out")].groupby("label", observed=True)
    (mean,) = f0["value"].mean()
    cells = {(row["label"], row["title"]): row["cells"] for row in answer["means"]}
    assert cells["voiced", "F0 (Hz)"][0] == pytest.approx(mean, rel=1e-5)
    counts = rows[(rows["measure"] == "duration") & (rows["layer"] == "out")]["label"]
    assert cells["output", "Voiced intervals"][0] == (counts == "voiced").sum() > 0


def test_f0_of_a_layer_is_tracked_once_for_intervals_and_measures(explorer):
    praat._pitch.cache_clear()
    explorer.move(Setting(0, {}))
    found = praat._pitch.cache_info()
    assert found.hits == found.misses == 4  # Conv1 is too slow to have F0


def test_nothing_that_was_saved_is_overwritten_and_a_failure_leaves_nothing(
    explorer, tmp_path, monkeypatch
):
    (tmp_path / "0007").mkdir()
    (tmp_path / "mine").mkdir()
    assert explorer.save(Setting(0, {}), str(tmp_path))[0].endswith("0008")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("wavegan_tf.experiments.explore.write_table", fail)
    with pytest.raises(OSError, match="disk full"):
        explorer.save(Setting(0, {}), str(tmp_path))
    assert sorted(x.name for x in tmp_path.iterdir()) == ["0007", "0008", "mine"]


def test_a_port_in_use_and_a_variable_that_is_none_are_refused_in_a_line(explorer):
    with pytest.raises(InputError, match="--vary=z99: .* choose one of them"):
        open_server(explorer, 0, "", ["z99"], 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="is in use; give another port, or 0"):
            open_server(explorer, taken.getsockname()[1], "", [], 0)


def test_the_command_prints_its_address_opens_serves_and_ends_with_ctrl_c(
    monkeypatch, tmp_path, capsys
):
    got, ended = [], threading.Event()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def visit(url):
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                got.append(answer.read().decode())
        finally:
            signal.raise_signal(signal.SIGINT)  # as the terminal does with Ctrl-C
            while not ended.wait(10):  # a signal within a destructor is lost
                signal.raise_signal(signal.SIGINT)

    opened = lambda url: threading.Thread(target=visit, args=[url]).start()  # noqa: E731
    monkeypatch.setattr("webbrowser.open", opened)
    monkeypatch.chdir(tmp_path)
    try:
        run("explore", ["--vary=z2"])
    finally:
        ended.set()
        signal.signal(signal.SIGINT, before)
    said = capsys.readouterr().out
    assert re.match(r"http://127\.0\.0\.1:\d+/ shows ciwGAN", said) and said.endswith("closed\n")
    assert '"vary":["z2"]' in got[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(browser.find_browser() is None, reason="no Chromium on this machine")
def test_a_move_changes_sounds_and_pictures_and_a_and_b_can_be_switched(
    server, explorer, tmp_path, record_property
):
    with browser.Browser(tmp_path) as opened:
        page = browser.Page(opened, server.url)
        look = "[byId('wave-0'), byId('spectrum-1')].map((x) => x.toDataURL()).join()"
        hear = "data.panels.map((_, k) => [...soundOf(k)].join()).join()"
        page.until("document.documentElement.dataset.ms")
        rows = page.run("[...byId('rows').children].map((row) => row.id)")
        assert rows == ["row-c1", "row-c2", "row-z11"]
        first = page.run(look), page.run(hear)
        page.run("document.body.focus()")
        page.key("h")
        page.run(
            "(() => { const x = byId('slide-z11'); x.focus(); x.value = 9.5; "
            "x.dispatchEvent(new Event('input')); x.value = 10; "
            "x.dispatchEvent(new Event('input')); x.value = 12; "
            "x.dispatchEvent(new Event('input')); })()"
        )
        page.until("document.documentElement.dataset.shown.includes('\"z11\":12') && !moves.busy")
        record_property("ms_from_move_to_drawn", page.run("document.documentElement.dataset.ms"))
        moved = page.run(look), page.run(hear)
        assert all(x != y for x, y in zip(first, moved, strict=True))
        asked = [x for x in page.requests() if x.endswith("/move")]
        assert len(asked) <= 3  # the first, 9.5, and 12: 10 was out of date
        setting = Setting(3, page.run("hand.values"))
        assert setting.values["z11"] == 12
        page.run("byId('equal').click()")
        heard = np.array(page.run("Array.from(soundOf(1))"))
        folder, _ = explorer.save(setting, str(tmp_path / "saved"))
        wav = np.frombuffer(Path(folder, "0000_conv4.wav").read_bytes()[-65536:], "<f4")
        np.testing.assert_allclose(heard, wav, atol=1e-6)
        page.run("byId('equal').click()")
        page.key("x")
        assert (page.run("side"), page.run(hear)) == ("a", first[1])
        assert page.run("byId('setting').disabled && byId('number-z11').value !== '12'")
        page.key("x")
        assert page.run("side === 'b' && document.activeElement.id === 'slide-z11'")
        assert (page.run(look), page.run(hear)) == moved
        assert "B − A" in page.run("byId('compared').textContent")
        page.run("set('z11', 13); exchange('a')")  # before the answer has come
        page.until("!moves.busy && shots.b.values.z11 === 13")
        assert page.run("side === 'a' && byId('setting').disabled")
        page.key("x")
        page.run("set('z11', 5000)")
        page.until("!byId('problem').hidden")
        assert "z11 = 5000: give a number" in page.run("byId('problem').textContent")
        words = {x.get("type") for x in page.complaints()}
        assert not words & {"error", "assert"}, page.complaints()
