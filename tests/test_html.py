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
import pytest
from made_run import RATE_HZ, SLICE_LEN, make_run

from wavegan_tf.analysis.averages import to_sound
from wavegan_tf.report import html_tables
from wavegan_tf.report.figures.spectrograms import spectrogram
from wavegan_tf.report.html import command_line, write_report
from wavegan_tf.report.html_data import choose_outputs, pack
from wavegan_tf.report.reading import open_run
from wavegan_tf.report.tables import read_csv, read_json, read_npz, write_csv, write_json, write_npz

needs_browser = pytest.mark.skipif(
    browser.find_browser() is None, reason="no Chromium on this machine to open report.html with"
)
VALUES = {"z11": [-15.0, 0.5, 5.0], "c2": [0.0, 1.0]}
BASES = 2
MIDDLE_COLUMNS = [
    key + end
    for key in ("from_middle_first", "from_middle_last")
    for end in ("", "_lower", "_upper", "_p", "_p_holm", "_n_bases")
]
SHOWN = "document.documentElement.dataset.shown"


def make_steps(directory):
    """An interpolation of 2 bases, 3 by 2 steps, with invented effects."""
    sweeps = [{"name": name, "values": values} for name, values in VALUES.items()]
    make_run(directory, outputs=12, vary=sweeps)
    steps = [
        {"id": 6 * base + 2 * i + j, "base": base, "z11": z11, "c2": c2}
        for base in range(BASES)
        for i, z11 in enumerate(VALUES["z11"])
        for j, c2 in enumerate(VALUES["c2"])
    ]
    write_csv(directory / "steps.csv", steps[0], steps)
    rng = np.random.default_rng(0)
    head = {"channel": 1, "measure": "rms", "unit": "dB"}
    levels = [
        {"id": row["id"], "layer": layer, "value": -20.5 - row["id"]} | head
        for row in steps
        for layer in ("conv4", "out")
    ]
    write_csv(directory / "levels.csv", "id channel layer measure unit value".split(), levels)
    effects = [
        {
            "latent": latent, "layer": layer, "label": label, "slope": 0.5, "slope_lower": 0.4,
            "slope_upper": 0.6, "rank_r": 0.9, "rank_r_lower": 0.8, "rank_r_upper": 1.0,
            "from_value": -15.0, "to_value": 5.0, "difference": -1234.5, "lower": -1500.0,
            "upper": -1000.0, "p": rng.random(), "p_holm": 0.00002, "n_bases": 2, "n_values": 3,
            "middle_value": 0.5, **dict.fromkeys(MIDDLE_COLUMNS, float("nan")),
            "from_middle_first": 6.21, "from_middle_first_p_holm": 0.002, "from_middle_last": -1.9,
            "verdict": "changes",
        } | head
        for latent in VALUES
        for layer in ("conv4", "out")
        for label in ("voiced", "output")
    ]  # fmt: skip
    effects[3]["p"] = float("nan")
    write_csv(directory / "effects.csv", effects[0], effects)
    spike = {"latent": "z11", "layer": "out", "rank": 1, "time_s": 0.2, "start_s": 0.15}
    spike |= {"end_s": 0.3, "share": 0.62, "excess": 4.2, "n_bases": 2}
    write_csv(directory / "spikes.csv", spike, [spike])
    return directory


class Parsed(html.parser.HTMLParser):
    """Elements of a page: (tag, attributes, text up to the next tag)."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])
        self.open = True

    def handle_data(self, text):
        if self.elements and self.open:
            self.elements[-1][2] += text

    def handle_endtag(self, tag):
        self.open = False

    def text_of(self, **wanted):
        return next(x[2] for x in self.elements if wanted.items() <= x[1].items())


def report_of(directory, **options):
    return write_report(directory, **options).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    directory = make_run(tmp_path_factory.mktemp("html") / "probe")
    write_report(directory)
    return directory


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    directory = make_steps(tmp_path_factory.mktemp("html") / "moved")
    write_report(directory)
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


def test_of_a_probe_the_first_outputs_are_embedded():
    assert choose_outputs(5, [], 3) == ([0, 1, 2], [])
    assert choose_outputs(5, [], 0) == ([0, 1, 2, 3, 4], [])


def test_of_an_interpolation_whole_sweeps_are_embedded_and_long_ones_thinned():
    assert choose_outputs(12, [3, 2], 11) == ([0, 1, 2, 3, 4, 5], [[0, 1, 2], [0, 1]])
    assert choose_outputs(12, [3, 2], 12)[0] == list(range(12))
    assert choose_outputs(12, [3, 2], 4) == ([0, 1, 4, 5], [[0, 2], [0, 1]])
    ids, places = choose_outputs(1000, [1000], 5)
    assert ids == places[0] == [0, 250, 500, 749, 999]
    assert choose_outputs(12, [3, 2], 0)[0] == list(range(12))


def test_the_same_run_gives_the_same_bytes(probed):
    first = (probed / "report.html").read_bytes()
    assert write_report(probed).read_bytes() == first


def test_texts_of_a_run_are_text_and_no_markup(tmp_path):
    evil = "</script><b id='evil'>&\"\u2028"
    run = make_run(tmp_path, network="q")
    rows = [row | {"name": evil, "problem": evil} for row in read_csv(run / "outputs.csv")]
    write_csv(run / "outputs.csv", rows[0], rows)
    config = read_json(run / "config.json")
    config["checkpoint"]["prefix"] = config["flags"]["word"] = evil
    write_json(run / "config.json", config)
    text = report_of(run)
    page = Parsed(text)
    assert "<b id" not in text and not any(x[1].get("id") == "evil" for x in page.elements)
    outputs = json.loads(page.text_of(id="data"))["outputs"]
    assert outputs[0]["problem"] == evil and evil in outputs[0]["title"]
    assert outputs[0]["title"].endswith("six")  # the word


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


def test_the_page_says_how_many_outputs_it_leaves_out(tmp_path):
    text = report_of(make_run(tmp_path), max_outputs=2)
    assert "2 of them in this page (--report_outputs)" in text
    assert text.count('type="text/plain"') == 2
    assert report_of(tmp_path, max_outputs=0).count('type="text/plain"') == 6


def test_without_series_the_page_has_no_players_and_says_why(tmp_path):
    (make_run(tmp_path) / "series.npz").unlink()
    text = report_of(tmp_path)
    assert "no series.npz" in text and "--noseries" in text
    assert "<canvas" not in text and 'id="play"' not in text


def test_the_command_line_gives_every_flag_back():
    flags = {
        "ckpt": "a b", "audio": False, "n": 3, "f0_range": ["60", "300"], "set": "", "word": None,
        "condition": ["c1=1", "c2=1"], "center": True, "out_dir": "x", "jobs": 2,
    }  # fmt: skip
    words = shlex.split(command_line({"command": "probe", "flags": flags}))
    assert words == [
        "python", "probe.py", "--ckpt=a b", "--noaudio", "--n=3", "--f0_range=60,300",
        "--condition=c1=1", "--condition=c2=1", "--center",
    ]  # fmt: skip


def test_the_correlations_are_those_of_the_table(probed):
    text = (probed / "report.html").read_text()
    row = next(
        row
        for row in read_csv(probed / "correlations.csv")
        if (row["measure"], row["layer"], row["statistic"]) == ("f0", "conv1", "pearson")
    )
    assert row["verdict"] == "encoded"
    cell = f'<span class="value">{row["value"]:.2f}</span> <span class="verdict encoded">encoded'
    cell += f"</span><small>[{row['low']:.2f}, {row['high']:.2f}] controls 0.31 / 0.31</small>"
    assert cell in text


def test_effects_stand_in_order_of_p_with_those_without_one_last(moved):
    effects = next(x for x in html_tables.listings(open_run(moved)) if x.key == "effects")
    rows = read_csv(moved / "effects.csv")
    titles = {"output": "RMS level (dB)", "voiced": "RMS level (dB), voiced"}
    order = np.argsort([row["p"] for row in rows])  # NaN last
    found = [(row["latent"], row["layer"], row["cells"][2]) for row in effects.rows]
    wanted = [(rows[i]["latent"], rows[i]["layer"], titles[rows[i]["label"]]) for i in order]
    assert found == wanted
    assert effects.rows[0]["cells"][4:9] == [
        "−1234 [−1500, −1000]", "+6.21 dB (p 0.002) at −15, −1.9 dB at 5, against 0.5", "0.5",
        "0.9", "< 0.001",
    ]  # fmt: skip


def test_numbers_are_short_and_a_missing_one_is_a_dash():
    values = [0.123456, -12.3456, 16384.4, -8.2757e13, 1.5e-5, float("nan"), 0.0]
    assert [html_tables.number(x) for x in values] == [
        "0.123", "−12.3", "16384", "−8.28e+13", "1.5e−05", "–", "0",
    ]  # fmt: skip
    assert [html_tables.probability(p) for p in (0.04, 1e-9, float("nan"))] == [
        "0.040", "< 0.001", "–",
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


def canvas(k=0):
    """The picture of a canvas, as text."""
    return f"document.getElementById('wave-{k}').toDataURL()"


@needs_browser
@pytest.mark.parametrize("kind", ["probe", "stereo", "classifier", "no series", "empty", "moved"])
def test_every_kind_of_run_opens_without_a_word_in_the_console(tmp_path, open_page, kind):
    if kind == "moved":
        make_steps(tmp_path)
    else:
        options = {"stereo": {"channels": 2}, "classifier": {"network": "d"}, "empty": {}}
        make_run(tmp_path, outputs=3, empty=kind == "empty", **options.get(kind, {}))
    if kind == "no series":
        (tmp_path / "series.npz").unlink()
    page = open_page(write_report(tmp_path).parent)
    page.key("ArrowRight")
    page.until(f"{SHOWN} === '{2 if kind == 'moved' else 1}'")
    assert page.complaints() == []
    assert page.requests() == [(tmp_path / "report.html").as_uri()]
    if kind == "stereo":
        assert page.run("data.panels.map((panel) => panel.title).slice(0, 2)") == [
            "Out, channel 1", "Out, channel 2",
        ]  # fmt: skip


@needs_browser
@pytest.mark.parametrize(
    "upsample, clip", [("linear", True), ("band_limited", True), ("linear", 0)]
)
def test_what_is_played_is_to_sound_of_the_series(tmp_path, open_page, upsample, clip):
    config = read_json(make_run(tmp_path, outputs=2) / "config.json")
    write_json(tmp_path / "config.json", config | {"upsample": upsample, "clip": bool(clip)})
    arrays = read_npz(tmp_path / "series.npz")
    arrays["conv2"] = 1.5 * arrays["conv2"] / arrays["conv2"].max()  # some are clipped
    write_npz(tmp_path / "series.npz", arrays)
    page = open_page(write_report(tmp_path).parent)
    page.key("ArrowRight")
    page.until(f"{SHOWN} === '1'")
    page.run("document.getElementById('equal').click()")
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
    series = read_npz(probed / "series.npz")["out"][0]
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
    assert page.run("document.getElementById('play-3').getAttribute('aria-label')") == "Stop Conv2"
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
        return [
            page.run(SHOWN), page.run(canvas(0)), page.run(canvas(4)),
            page.run("document.getElementById('spectrum-1').toDataURL()"),
            page.run("makeBuffer().getChannelData(0).slice(3000, 3010).join()"),
            page.run("document.getElementById('value-0').textContent"),
            page.run("document.getElementById('status').textContent"),
            page.run("document.getElementById('measurements').textContent"),
        ]  # fmt: skip

    before = shown()
    assert before[0] == "0" and before[5] == "−15"
    page.run("document.getElementById('sweep-0').focus()")
    page.key("End")
    page.until(f"{SHOWN} === '4'")
    after = shown()
    assert all(x != y for x, y in zip(before, after, strict=True))
    assert after[5] == "5" and "z11 = 5, c2 = 0" in after[6] and "−24.5" in after[7]
    page.key("ArrowLeft")
    page.until(f"{SHOWN} === '2'")
    page.run("document.getElementById('sweep-1').focus()")
    page.key("ArrowRight")
    page.until(f"{SHOWN} === '3'")
    assert page.run("document.getElementById('training-1').textContent").startswith("within")
    page.run(
        "(() => { const base = document.getElementById('base'); base.selectedIndex = 1; "
        "base.dispatchEvent(new Event('change')); })()"
    )
    page.until(f"{SHOWN} === '9'")  # 6 + 2 * 1 + 1
    assert page.complaints() == []


@needs_browser
def test_moved_while_it_plays_the_slider_switches_the_sound(moved, open_page):
    page = open_page(moved)
    page.click("#play")
    before = page.run("state.playing.source.buffer.getChannelData(0).slice(50, 60).join()")
    page.run("document.getElementById('sweep-0').focus()")
    page.key("ArrowRight")
    page.until(f"{SHOWN} === '2'")
    page.until("state.playing")
    after = page.run("state.playing.source.buffer.getChannelData(0).slice(50, 60).join()")
    assert after != before


@needs_browser
def test_effects_are_filtered_by_layer(moved, open_page):
    page = open_page(moved)
    page.run(
        "(() => { const layer = document.getElementById('effects-layer'); layer.value = 'conv4'; "
        "layer.dispatchEvent(new Event('change')); })()"
    )
    rows = "Array.from(document.querySelectorAll('#effects tbody tr')).filter((r) => !r.hidden)"
    assert page.run(f"{rows}.map((row) => row.cells[1].textContent)") == ["Conv4"] * 4
    assert page.run("document.getElementById('effects-count').textContent") == "4 rows shown"


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
    pairs += [("#play", "#play"), (".encoded", ".encoded"), (".inverse", ".found"), ("pre", "pre")]
    pairs += [("thead th", "html"), (".found small", ".found")]
    for front, back in pairs:
        style = "getComputedStyle(document.querySelector('{}')).{}"
        colours = (
            page.run(style.format(front, "color")),
            page.run(style.format(back, "backgroundColor")),
        )
        low, high = sorted(map(luminance, colours))
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
