"""listen and agreement: a page to label outputs with, blind, and what becomes of the labels."""

import html
import json
import re

import browser
import numpy as np
import pandas as pd
import pytest
from made_probe import SLICE_LEN, make_probe

from wavegan_tf.commands.listen import what_next
from wavegan_tf.commands.run import run
from wavegan_tf.experiments.properties import read_labels
from wavegan_tf.output.listening import order_outputs

needs_browser = pytest.mark.skipif(
    browser.find_browser() is None, reason="no Chromium on this machine to open listen.html with"
)
N = 10
SECRETS = ("c2=5", "condition", "codes_at_5", "out_", "0003", "model.ckpt")


def make_made(n):
    result = make_probe(outputs=n, empty=True)
    result.settings["options"] |= {"n": n, "seed": 0, "condition": ["c2=5", "c1=5"]}
    result.summary = lambda: ""
    return result


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run under conditions; the peak of output i is (i + 1) / 16, so that a test can tell it."""
    result = make_made(N)
    rng = np.random.default_rng(0)
    sound = rng.uniform(-1, 1, [N, SLICE_LEN])
    sound *= (np.arange(1, N + 1) / 16 / np.abs(sound).max(axis=1))[:, np.newaxis]
    result.arrays = {"series": {"out": sound}}
    result.tables["design"] = pd.DataFrame({"output": range(N), "condition": "c2=5"})
    directory = tmp_path_factory.mktemp("ears") / "codes_at_5"
    result.save(directory, figures=False, page=False)
    return directory


def page_of(made, path, *flags):
    run("listen", [f"--run={made}", f"--out={path}", *flags])
    return path


@pytest.fixture(scope="module")
def pages(made):
    """Three labels, in two orders; free text with outputs that are heard twice."""
    names = {"one": ["--listener=anna"], "two": ["--seed=1"], "free": ["--repeat=2", "--n=4"]}
    for name, flags in names.items():
        labels = ["--labels=pala,papala,other"] * (name != "free")
        page_of(made, made.parent / f"{name}.html", *labels, *flags)
    return made.parent


@pytest.fixture(scope="module")
def chromium(tmp_path_factory, pages):
    with browser.Browser(tmp_path_factory.mktemp("profile")) as opened:
        opened.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(pages))
        yield opened


@pytest.fixture
def begin(chromium, pages):
    opened = []

    def start(name, listener, **options):
        opened.append(browser.Page(chromium, pages / f"{name}.html", **options))
        opened[-1].run(f"byId('listener').value = {json.dumps(listener)}")
        opened[-1].click("#begin")
        opened[-1].until("state.playing")
        return opened[-1]

    yield start
    for page in opened:
        page.close()


def heard(page):
    """The output that sounds, told by its peak."""
    page.until("state.playing")
    peak = "Math.max(...state.playing.buffer.getChannelData(0).map(Math.abs))"
    return round(page.run(peak) * 16) - 1


def saved(page, path):
    path.unlink(missing_ok=True)
    page.click("#save")
    page.until("byId('note').textContent.startsWith('Saved as')")
    assert path.name in page.run("byId('note').textContent")
    for _ in range(200):
        if path.exists():
            return path
        page.run("new Promise((done) => setTimeout(done, 20))")
    raise AssertionError("nothing was saved")


@needs_browser
def test_ten_outputs_are_labelled_by_keys_stopped_resumed_and_read_back(begin, pages):
    page, truth = begin("one", "anna b."), {}
    for k in range(6):
        output = heard(page)
        truth[output] = ("pala", "papala", "other")[output % 3]
        if k == 3:  # a slip, and back
            page.key("1" if output % 3 else "2")
            page.key("Backspace")
            assert heard(page) == output
        page.key(str(output % 3 + 1))
        page.until(f"byId('bar').value === {k + 1}")
    page = begin("one", "anna b.")  # the page again, another day
    assert page.run("byId('progress').textContent") == "Sound 7 of 10 · 6 labelled"
    for k in range(6, N):
        output = heard(page)
        truth[output] = ("pala", "papala", "other")[output % 3]
        page.key(str(output % 3 + 1))
        page.until(f"byId('bar').value === {k + 1}")
    assert "All sounds are labelled" in page.run("byId('note').textContent")
    labels = read_labels(str(saved(page, pages / "labels-anna-b-.csv")), N)
    assert labels.to_dict() == truth and len(truth) == N
    assert page.complaints() == [] and page.requests() == [(pages / "one.html").as_uri()]
    assert begin("one", "ben").run("byId('bar').value") == 0  # another listener begins anew


@needs_browser
def test_nothing_tells_which_output_is_heard(begin):
    one, two = begin("one", "x"), begin("two", "x")
    orders = [[], []]
    for k in range(N):
        for page, order in zip((one, two), orders, strict=True):
            order.append(heard(page))
            page.key("1")
            page.until(f"byId('bar').value === {k + 1}")
        shown = [page.run("document.body.innerText + document.title") for page in (one, two)]
        assert shown[0] == shown[1]  # whatever is heard
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(N)) and orders[0] != orders[1]
    text = html.unescape(one.run("document.documentElement.outerHTML"))
    text = re.sub(r'"series":"[^"]*"', "", text)
    assert not [secret for secret in SECRETS if secret in text]
    assert set(one.run("data.sounds.flatMap(Object.keys)")) == {"series", "scales"}
    assert one.run("data.plays") == list(range(N))  # places, not outputs


@needs_browser
@pytest.mark.parametrize("name", ["one", "free"])
def test_a_phone_shows_all_and_its_buttons_can_be_hit(begin, name):
    page = begin(name, "x", width=390, height=844)
    boxes = page.run(
        "[...document.querySelectorAll('#work button, #work input')].map((x) => {"
        "const b = x.getBoundingClientRect(); return [b.left, b.right, b.bottom, b.height]; })"
    )
    assert len(boxes) == (7 if name == "one" else 6)
    for left, right, bottom, height in boxes:
        assert left >= 0 and right <= 390 and bottom <= 844 and height >= 40
    assert page.run("document.documentElement.scrollWidth") == 390
    assert page.run("byId('start').offsetHeight") == 0


@needs_browser
def test_free_text_is_kept_as_it_is_written_and_outputs_heard_twice_stand_beside_it(begin, pages):
    page, words = begin("free", "cleo"), {}
    assert page.run("total") == 6
    for k in range(6):
        output = heard(page)
        word = 'pa, "la"' if k < 4 else "papa"
        words[output] = [*words.get(output, []), word]
        if k == 0:
            page.key(" ")  # plays again, and writes nothing
            page.call("Input.insertText", text="NA")
            page.click("#words button")
            assert "means that there is no label" in page.run("byId('note').textContent")
            page.run("byId('word').value = ''; byId('word').focus()")
        page.call("Input.insertText", text=word)
        page.run("byId('words').requestSubmit()")
        page.until(f"byId('bar').value === {k + 1}")
    path = str(saved(page, pages / "labels-cleo.csv"))
    again = read_labels(path, column="again").dropna().to_dict()
    assert read_labels(path).to_dict() == {i: each[0] for i, each in words.items()}
    assert again == {i: each[1] for i, each in words.items() if len(each) > 1} and len(again) == 2


@needs_browser
def test_where_nothing_is_remembered_the_page_says_so_and_works(begin):
    page = begin("one", "nobody")
    page.run("Storage.prototype.setItem = () => { throw new Error('full'); }")
    page.key("1")
    page.until("byId('bar').value === 1")
    assert "remembers nothing: save" in page.run("byId('note').textContent")


def test_the_same_command_gives_the_same_bytes_and_what_is_not_finite_is_left_out(made, capsys):
    paths = [page_of(made, made.parent / f"same{k}.html") for k in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert "identify draws others" in capsys.readouterr().out
    broken, result = made.parent / "broken", make_made(3)
    result.arrays["series"]["out"][1, 5] = np.nan
    result.save(broken, figures=False, page=False)
    page_of(broken, made.parent / "broken.html")
    assert "2 outputs, 1 left out: not finite; 0.1 MB" in capsys.readouterr().out


def test_it_says_which_identify_reads_the_labels():
    options = {"n": 40, "seed": 3, "set": "", "condition": []}
    flags = {"ckpt": "train/digits", "model": "fiwgan", "jobs": 1, "n": 40}
    settings = {"kind": "probe", "options": options, "flags": flags}
    told = "identify --ckpt=train/digits --model=fiwgan --n=40 --seed=3 --labels="
    assert told in what_next(settings)
    moved = settings | {"options": options | {"condition": ["c1=1", "c2=1"]}}
    assert "Do not give it these labels" in what_next(moved)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--labels=pala"], "give 2 to 20 labels"),
        (["--labels=pala,NA"], "'NA' means that there is no label"),
        (["--repeat=11"], "10 outputs can be heard"),
        (["--out=codes_at_5"], "name of a page"),
        ([], "exists; name another page"),
    ],
)
def test_what_makes_no_page_is_refused(made, monkeypatch, flags, words):
    monkeypatch.chdir(made.parent)
    (made.parent / "listen.html").touch()
    out = [] if not flags or "--out=" in flags[0] else ["--out=none.html"]
    with pytest.raises(SystemExit, match=words):
        run("listen", [f"--run={made}", *out, *flags])
    assert not (made.parent / "none.html").exists()


def test_labels_of_listeners_are_compared_and_joined_for_identify(tmp_path, capsys):
    for name, labels in {"anna": "ppqqppqqpp", "ben": "ppqqppqqpq", "cleo": "pqqqppqqpr"}.items():
        rows = "".join(f"{i},{label},\n" for i, label in enumerate(labels))
        (tmp_path / f"labels-{name}.csv").write_text(f"output,label,again\n{rows}")
    paths = ",".join(str(tmp_path / f"labels-{name}.csv") for name in ("anna", "ben", "cleo"))
    run("agreement", [f"--labels={paths}", f"--out_dir={tmp_path / 'agreed'}"])
    said = capsys.readouterr().out
    assert "majority.csv: 9 of 10 labelled outputs; 1 are tied" in said
    assert re.search(r"anna, ben +10 +90 % \[.*cohen kappa", said) and "fleiss kappa" in said
    found = read_labels(str(tmp_path / "agreed" / "majority.csv"), 10)
    assert "".join(found.fillna("-")) == "ppqqppqqp-"
    text = (tmp_path / "agreed" / "summary.md").read_text()
    assert "## anna (rows) and ben" in text and "| p | 5 | 1 |" in text


def test_one_listener_who_heard_outputs_twice_is_compared_with_himself(tmp_path, capsys):
    """However large the numbers of the outputs are."""
    path = tmp_path / "labels-anna.csv"
    path.write_text("output,label,again\n7,p,p\n9999999999,q,p\n8,r,\n")
    run("agreement", [f"--labels={path}", f"--out_dir={tmp_path / 'out'}"])
    assert re.search(r"anna, again +2 +50 %", capsys.readouterr().out)
    assert read_labels(str(tmp_path / "out" / "majority.csv")).index[-1] == 9999999999


@pytest.mark.parametrize("names", [("a.csv", "labels-a.csv"), ("labels-all.csv", "b.csv")])
def test_listeners_whose_name_is_taken_are_refused(tmp_path, names):
    paths = [tmp_path / name for name in names]
    for path in paths:
        path.write_text("output,label\n0,p\n")
    given = ",".join(map(str, paths))
    with pytest.raises(SystemExit, match="name '.*' is taken; rename the file"):
        run("agreement", [f"--labels={given}", f"--out_dir={tmp_path / 'out'}"])


def test_one_listener_who_heard_nothing_twice_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("output,label\n0,p\n")
    with pytest.raises(SystemExit, match="one listener who heard outputs twice"):
        run("agreement", [f"--labels={tmp_path / 'a.csv'}", f"--out_dir={tmp_path / 'out'}"])
    assert not (tmp_path / "out").exists()


def test_what_is_heard_again_was_not_heard_just_before():
    for seed in range(20):
        order, again = order_outputs(range(24), 6, seed)
        assert (24 - again + np.arange(6)).min() > 6 and len(set(order[again])) == 6
    assert sorted(order_outputs(range(4), 4, 0)[1]) == [0, 1, 2, 3]
