"""report.html: what it holds, and what a browser makes of it."""

import base64
import hashlib
import html.parser
import json
import re
import shlex
import zlib

import browser
import numpy as np
import pandas as pd
import pytest
from made_probe import RATE_HZ, SLICE_LEN, make_probe
from matplotlib.figure import Figure

from wavegan_tf.experiments.result import Result
from wavegan_tf.output.figures_probe import spectrogram
from wavegan_tf.output.page import choose_outputs, command_line, pack, write_page
from wavegan_tf.speech.averages import to_sound

needs_browser = pytest.mark.skipif(
    browser.find_browser() is None, reason="no Chromium on this machine to open report.html with"
)
VALUES = {"z11": [-15.0, 0.5, 5.0], "c2": [0.0, 1.0]}
SHOWN = "document.documentElement.dataset.shown"


SUMMARY = "# Found\n\n| Measure | Conv4 |\n| --- | ---: |\n| F0 | 0.62<br>low |\n\nr is **0.62**.\n"


def make_run(vary=None, series=True, **given):
    """The result of a probe with suspect and missing values, or of an interpolation."""
    run = make_probe(**given)
    run.summary = lambda: SUMMARY
    outputs = range(run.settings["n"])
    run.tables["latents"] = pd.DataFrame({"output": outputs, "c1": 1.0, "z1": 0.5})
    if "intervals" in run.tables:
        rows = run.tables["intervals"]
        rows.loc[rows["layer"] == "conv1", ["value", "reason"]] = np.nan, "too narrow"
        rows.loc[rows["layer"] == "conv2", "flag"] = "octave jump"
    if not series:
        run.arrays = {}
    if vary:
        run.settings["vary"] = [{"name": name, "values": x} for name, x in vary.items()]
        about = {"channel": 1, "label": "output", "measure": "rms", "unit": "dB"}
        rows = [about | {"output": i, "layer": "out", "value": -20.5 - i} for i in outputs]
        run.tables["values"] = pd.DataFrame(rows)
        spike = {"latent": "z11", "layer": "out", "rank": 1, "start_s": 0.15, "end_s": 0.3}
        run.tables["spikes"] = pd.DataFrame([spike | {"share": 0.62}])
    return run


class Parsed(html.parser.HTMLParser):
    """Elements of a page: (tag, attributes, text up to the next tag)."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])

    def handle_data(self, text):
        if self.elements and not self.elements[-1][2]:
            self.elements[-1][2] = text

    def text_of(self, **wanted):
        return next(x[2] for x in self.elements if wanted.items() <= x[1].items())


def page_of(run, directory):
    path = directory / "report.html"
    write_page(path, run)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("page")
    page_of(make_run(), directory)
    return directory


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    directory = tmp_path_factory.mktemp("page")
    page_of(make_run(outputs=12, vary=VALUES), directory)
    return directory


# ---- what the file holds ----


def test_packed_series_are_the_series_to_16_bits_and_say_what_is_no_number():
    rng = np.random.default_rng(0)
    series = [rng.standard_normal(50) * 30, np.zeros(3), np.array([np.nan, 0.25, np.inf])]
    text, scales = pack(series)
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    low, high = planes[:56].astype(int), planes[56:].astype(int)
    codes = low + 256 * high
    codes[codes > 32767] -= 65536
    np.testing.assert_allclose(codes[:50] / 32767 * scales[0], series[0], atol=scales[0] / 65000)
    assert scales[0] == np.abs(series[0]).max() and scales[1:] == [0, 0.25]
    assert list(codes[50:]) == [0, 0, 0, -32768, 32767, -32768]


def test_the_first_outputs_are_embedded_or_whole_sweeps_and_long_ones_thinned():
    assert choose_outputs(5, [], 3) == ([0, 1, 2], [])
    assert choose_outputs(12, [3, 2], 11) == ([0, 1, 2, 3, 4, 5], [[0, 1, 2], [0, 1]])
    assert choose_outputs(12, [3, 2], 12)[0] == list(range(12))
    assert choose_outputs(12, [3, 2], 4) == ([0, 1, 4, 5], [[0, 2], [0, 1]])
    ids, places = choose_outputs(1000, [1000], 5)
    assert ids == places[0] == [0, 250, 500, 749, 999]


def test_the_same_run_gives_the_same_bytes(tmp_path):
    assert page_of(make_run(), tmp_path) == page_of(make_run(), tmp_path)


def test_texts_of_a_run_are_text_and_no_markup(tmp_path):
    evil = "</script><b id='evil'>&\"\u2028"
    run = make_run(network="q")
    run.tables["outputs"][["name", "problem"]] = evil
    run.settings["flags"] = {"word": evil}
    run.settings["checkpoint"]["prefix"] = evil
    run.summary = lambda: f"# {evil}\n\n{evil}"
    text = page_of(run, tmp_path)
    page = Parsed(text)
    assert "<b id" not in text and not any(x[1].get("id") == "evil" for x in page.elements)
    outputs = json.loads(page.text_of(id="data"))["outputs"]
    assert outputs[0]["problem"] == evil and evil in outputs[0]["title"]
    assert "six" in outputs[0]["title"]  # the word


def test_folders_of_the_machine_do_not_stand_in_the_page(tmp_path):
    run = make_run()
    run.settings["checkpoint"]["prefix"] = "/home/anna b/runs/digits/model.ckpt-7"
    labels = ["a=/home/anna b/l.csv"]
    run.settings["flags"] = {"ckpt": "/home/anna b/runs/digits", "labels": labels}
    run.summary = lambda: "`/home/anna b/runs/digits/model.ckpt-7` (step 7)"
    text = page_of(run, tmp_path)
    assert "anna" not in text and "--ckpt=…/digits" in text.replace("&#39;", "")
    assert "<code>…/model.ckpt-7</code>" in text and "l.csv" in text


def test_the_summary_stands_in_the_page_with_its_tables(probed):
    text = (probed / "report.html").read_text()
    assert "<h2>Found</h2>" in text and "<strong>0.62</strong>" in text
    assert '<td class="number">0.62<br>low</td>' in text


def test_nothing_is_fetched_and_only_its_own_script_may_run(probed, moved):
    for run in (probed, moved):
        text = (run / "report.html").read_text()
        page = Parsed(text)
        policy = next(x[1]["content"] for x in page.elements if "http-equiv" in x[1])
        assert policy.startswith("default-src 'none';")
        for tag in ("script", "style"):
            (inline,) = [x[2] for x in page.elements if x[0] == tag and not x[1]]
            digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy
        addresses = [x[1][key] for x in page.elements for key in ("src", "href") if key in x[1]]
        assert addresses and all(x.startswith("#") or x == "data:," for x in addresses)
        assert not re.search(r"https?:|@import|url\(", text)
        targets = {x[1].get("id") for x in page.elements}
        assert {x[1:] for x in addresses if x.startswith("#")} <= targets


def test_the_page_says_how_many_outputs_it_leaves_out(tmp_path, monkeypatch):
    monkeypatch.setattr("wavegan_tf.output.page.MAX_OUTPUTS", 2)
    text = page_of(make_run(), tmp_path)
    assert "2 of them in this page" in text
    assert len(json.loads(Parsed(text).text_of(id="data"))["outputs"]) == 2


def test_without_series_the_page_has_no_players_and_says_why(tmp_path):
    text = page_of(make_run(series=False), tmp_path)
    assert "no series.npz" in text and "press Play" not in text and "--audio" not in text
    run = make_run(series=False)
    run.settings["kind"] = "identify"
    (tmp_path / "identify").mkdir()
    text = page_of(run, tmp_path / "identify")
    assert "Run it again with --audio to have the sounds of the drawn outputs" in text
    (tmp_path / "probe").mkdir()
    assert "press Play" in page_of(make_run(), tmp_path / "probe")
    assert "<canvas" not in text and 'id="play"' not in text


def test_the_page_of_an_experiment_without_players_shows_its_figures(tmp_path, monkeypatch):
    run = make_run(series=False)
    run.settings["kind"] = "cdev"
    monkeypatch.setattr(Result, "figures", ["causes"])
    monkeypatch.setattr(Result, "figure", lambda self, name: Figure(figsize=(1, 1)))
    run.summary = lambda: "# Causes\n\n#TV less #sTV.\n"
    text = page_of(run, tmp_path)
    [image] = re.findall('<img src="data:image/png;base64,([^"]*)" alt="causes">', text)
    assert base64.b64decode(image).startswith(b"\x89PNG")
    assert "no series.npz" not in text and "<p>#TV less #sTV.</p>" in text


def test_the_command_line_gives_the_flags_back():
    flags = {
        "ckpt": "a b", "audio": False, "n": 3, "f0_range": ["60", "300"], "set": "", "word": None,
        "condition": ["c1=1", "c2=1"], "center": True, "out_dir": "x", "jobs": 2,
    }  # fmt: skip
    words = shlex.split(command_line({"kind": "probe", "flags": flags}))
    assert words == [
        "python", "-m", "wavegan_tf", "probe", "--ckpt=a b", "--noaudio", "--n=3",
        "--f0_range=60,300", "--set=", "--condition=c1=1", "--condition=c2=1", "--center",
    ]  # fmt: skip


# ---- what a browser makes of it ----


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser.Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def open_page(chromium):
    pages = []

    def start(directory, **options):
        pages.append(browser.Page(chromium, directory / "report.html", **options))
        if options.get("script", True):
            pages[-1].until(SHOWN)
        return pages[-1]

    yield start
    for page in pages:
        page.close()


@needs_browser
@pytest.mark.parametrize(
    "options",
    [{}, {"channels": 2}, {"network": "d"}, {"series": False}, {"empty": True},
     {"outputs": 12, "vary": VALUES}],
    ids=["probe", "stereo", "classifier", "no series", "nothing measured", "moved"],
)  # fmt: skip
def test_every_kind_of_run_opens_without_a_word_in_the_console(tmp_path, open_page, options):
    page_of(make_run(**options), tmp_path)
    page = open_page(tmp_path)
    page.key("ArrowRight")
    page.until(f"{SHOWN} === '{2 if 'vary' in options else 1}'")
    assert page.complaints() == []
    assert page.requests() == [(tmp_path / "report.html").as_uri()]
    if options.get("channels") == 2:
        assert page.run("data.panels.map((panel) => panel.title).slice(0, 2)") == [
            "Out, channel 1", "Out, channel 2",
        ]  # fmt: skip


@needs_browser
@pytest.mark.parametrize(
    "upsample, clip", [("linear", True), ("band_limited", True), ("linear", 0)]
)
def test_what_is_played_is_to_sound_of_the_series(tmp_path, open_page, upsample, clip):
    run = make_run(outputs=2)
    run.settings |= {"upsample": upsample, "clip": bool(clip)}
    arrays = run.arrays["series"]
    arrays["conv2"] = 1.5 * arrays["conv2"] / arrays["conv2"].max()  # some are clipped
    page_of(run, tmp_path)
    page = open_page(tmp_path)
    page.key("ArrowRight")
    page.until(f"{SHOWN} === '1'")
    page.run("byId('equal').click()")
    for k, layer in enumerate(["out", "conv4", "conv3", "conv2", "conv1"]):
        found = page.run(
            f"(() => {{ choosePanel({k}); const buffer = makeBuffer(); "
            "return [buffer.sampleRate, ...buffer.getChannelData(0)]; })()"
        )
        assert found[0] == RATE_HZ and len(found) == 1 + SLICE_LEN
        sound = to_sound(arrays[layer][1], SLICE_LEN, upsample, bool(clip))
        np.testing.assert_allclose(found[1:], sound, atol=1e-4)


@needs_browser
def test_at_equal_loudness_a_layer_has_the_level_of_the_output_and_no_offset(probed, open_page):
    page = open_page(probed)
    out, conv2 = (np.array(page.run(f"Array.from(soundOf({k}))")) for k in (0, 3))
    assert abs(conv2.mean()) < 1e-6
    assert np.sqrt((conv2**2).mean()) == pytest.approx(np.sqrt((out**2).mean()), rel=1e-3)


@needs_browser
def test_the_spectrogram_is_that_of_the_figures(probed, open_page):
    page = open_page(probed)
    series = make_run().arrays["series"]["out"][0]
    found = page.run(
        "(() => { const s = spectrogram(state.series[0], data.panels[0].rate_hz); "
        "return [s.binHz, s.bins, s.timesS, Array.from(s.levels)]; })()"
    )
    times_s, hz, level_db = spectrogram(series, RATE_HZ, 8000)
    levels = np.array(found[3]).reshape(-1, found[1])
    np.testing.assert_allclose(found[2], times_s)
    shared = np.arange(125, 8000, 125)  # Hz that both grids have
    mine = levels[:, np.rint(shared / found[0]).astype(int)].T
    theirs = level_db[np.searchsorted(hz, shared)]
    loud = theirs > -40  # below, 16 bits show
    difference = np.abs(mine - theirs)[loud]
    assert loud.mean() > 0.5 and np.median(difference) < 0.01 and difference.max() < 0.1


@needs_browser
def test_play_sounds_moves_the_cursor_and_stops(probed, open_page):
    page = open_page(probed)
    page.click("#play-3")
    page.until("state.playing && document.querySelector('.cursor').offsetLeft > 5")
    assert page.run("state.panel") == 3
    assert page.run("state.playing.source.buffer.length") == SLICE_LEN
    assert page.run("byId('play-3').getAttribute('aria-label')") == "Stop Conv2"
    page.run("document.activeElement.blur()")
    page.key(" ")
    assert page.run("state.playing") is None
    page.click("#wave-0", x=0.5)
    assert page.run("state.startS") == pytest.approx(0.512, abs=0.01)
    page.key(" ")
    assert page.run("state.playing !== null")
    page.until("state.playing === null")  # it ends by itself
    assert page.complaints() == []


@needs_browser
def test_the_slider_switches_everything_at_once(moved, open_page):
    page = open_page(moved)

    def shown():
        pictures = [f"byId('{name}').toDataURL()" for name in ("wave-0", "wave-4", "spectrum-1")]
        texts = [f"byId('{name}').textContent" for name in ("value-0", "status", "measurements")]
        sound = "makeBuffer().getChannelData(0).slice(3000, 3010).join()"
        return list(map(page.run, [SHOWN, *pictures, sound, *texts]))

    before = shown()
    assert before[0] == "0" and before[5] == "−15"
    page.run("byId('sweep-0').focus()")
    page.key("End")
    page.until(f"{SHOWN} === '4'")
    after = shown()
    assert all(x != y for x, y in zip(before, after, strict=True))
    assert after[5] == "5" and "z11 = 5, c2 = 0" in after[6] and "−24.5" in after[7]
    page.key("ArrowLeft")
    page.until(f"{SHOWN} === '2'")
    page.run("byId('sweep-1').focus()")
    page.key("ArrowRight")
    page.until(f"{SHOWN} === '3'")
    assert page.run("byId('training-1').textContent").startswith("within")
    page.run(
        "(() => { const base = byId('base'); base.selectedIndex = 1; "
        "base.dispatchEvent(new Event('change')); })()"
    )
    page.until(f"{SHOWN} === '9'")  # 6 + 2 * 1 + 1
    assert page.complaints() == []


@needs_browser
def test_moved_while_it_plays_the_slider_switches_the_sound(moved, open_page):
    page, heard = open_page(moved), "state.playing.source.buffer.getChannelData(0)[50]"
    page.click("#play")
    before = page.run(heard)
    page.run("byId('sweep-0').focus()")
    page.key("ArrowRight")
    page.until(f"{SHOWN} === '2' && state.playing")
    assert page.run(heard) != before


def luminance(colour):
    """Relative luminance (WCAG 2) of rgb(r, g, b)."""
    parts = np.array([int(x) for x in re.findall(r"\d+", colour)[:3]]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
def test_both_colour_schemes_can_be_read(probed, open_page, dark):
    page = open_page(probed, dark=dark)
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    assert (luminance(page.run(paper)) < 0.5) == dark
    pairs = [("body", "html"), (".about", "html"), ("nav a", "html"), (".rate", ".panel")]
    pairs += [("#play", "#play"), ("pre", "pre"), ("thead th", "html")]
    for front, back in pairs:
        style = "getComputedStyle(document.querySelector('{}')).{}"
        colours = (style.format(front, "color"), style.format(back, "backgroundColor"))
        low, high = sorted(luminance(page.run(colour)) for colour in colours)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (front, back, colours)


@needs_browser
def test_a_phone_needs_no_scrolling_to_the_side(probed, moved, open_page):
    for run in (probed, moved):
        page = open_page(run, width=360, height=740)
        page.run("document.querySelectorAll('details').forEach((x) => (x.open = true))")
        assert page.run("document.documentElement.scrollWidth") == 360
        assert page.run("document.querySelector('.controls').offsetHeight") < 740 / 3


@needs_browser
def test_screen_readers_have_a_name_for_every_control_and_picture(probed, moved, open_page):
    roles = {"button", "slider", "combobox", "checkbox", "img", "image", "region", "table", "link"}
    for run in (probed, moved):
        page = open_page(run)
        tree = page.call("Accessibility.getFullAXTree")["nodes"]
        seen = [x for x in tree if x.get("role", {}).get("value") in roles and not x["ignored"]]
        kinds = {x["role"]["value"] for x in seen}
        assert kinds >= {"button", "slider", "checkbox", "table", "link"}, kinds
        nameless = [x for x in seen if not x["name"]["value"].strip()]
        assert not nameless, nameless
        pictures = [x["name"]["value"] for x in seen if x["role"]["value"] in ("img", "image")]
        assert any(name.startswith("Waveform of Conv4, largest value") for name in pictures)


@needs_browser
def test_without_script_the_tables_are_there_and_the_page_says_what_is_not(probed, open_page):
    page = open_page(probed, script=False)
    document = page.call("DOM.getDocument")["root"]["nodeId"]
    found = page.call("DOM.querySelector", nodeId=document, selector="noscript p")["nodeId"]
    assert found and "JavaScript" in page.call("DOM.getOuterHTML", nodeId=found)["outerHTML"]
