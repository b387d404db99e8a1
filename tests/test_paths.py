"""Paths as a shell takes them, folders with links, texts in any encoding."""

import os
import subprocess

import pytest

from wavegan_tf.errors import InputError
from wavegan_tf.paths import cache_directory, expand, find_files, walk
from wavegan_tf.texts import decode, read_json, read_lines


@pytest.mark.parametrize(
    "text",
    [
        "~",
        "~/a",
        "~root/a",
        "a/~",
        "a~",
        "./a",
        "$PLACE/a",
        "a/${PLACE}b",
        "~/$PLACE",
        "$PLACE$PLACE",
    ],
)
def test_a_path_is_what_bash_makes_of_it(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("PLACE", "there")
    bash = subprocess.run(["bash", "-c", f"printf %s {text}"], capture_output=True, text=True)
    assert expand(text) == bash.stdout


@pytest.mark.parametrize("name", ["~/run", "a$NOWHERE", "${NOWHERE}/run", "~nobodyhere", "a$HOME"])
def test_a_name_that_is_really_there_is_itself(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir(parents=True)
    assert os.path.samefile(expand(name), tmp_path / name)
    assert expand(expand(name)) == expand(name)
    if not name.startswith("~/"):  # a home is always there
        assert expand(f"{name}/new") == str(tmp_path / name / "new")


def test_home_is_meant_where_both_are_there_and_never_after_a_dot(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for place in ("home/run", "~/run"):
        (tmp_path / place).mkdir(parents=True)
    assert expand("~/run") == str(tmp_path / "home/run")
    assert os.path.samefile(expand("./~/run"), tmp_path / "~/run")
    assert not expand("./~/new").startswith("~")
    assert expand("$HOME/new") == str(tmp_path / "home/new")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("$NOWHERE/run", "no variable NOWHERE"),
        ("a/${NOWHERE}", "no variable NOWHERE"),
        ("$EMPTY/run", "no variable EMPTY"),  # it would begin at the root
        ("~nobodyhere/run", "no such user"),
        (os.fsdecode(b"m\xfcller"), "not UTF-8"),
    ],
)
def test_what_means_nothing_is_refused(monkeypatch, text, words):
    monkeypatch.setenv("EMPTY", "")
    with pytest.raises(InputError, match=words):
        expand(text)


def test_the_cache_is_named_as_any_path(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    for given, place in (("~/kept [1]", "kept [1]"), ("$HOME/b", "b"), ("", ".cache/wavegan_tf")):
        monkeypatch.setenv("WAVEGAN_TF_CACHE", given)
        assert str(cache_directory()) == f"/home/me/{place}"


def make_tree(top, links):
    for name in ("data/own/1", "data/own/deep/2", "data/.hidden/3", "real/4", "real/below/5"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).touch()
    for name, target in links.items():
        (top / "data" / name).symlink_to(target)
    passed_over = {}
    visited = dict(walk(top / "data", passed_over))
    found = {
        os.path.relpath(f"{k}/{x}", top / "data") for k, names in visited.items() for x in names
    }
    return found, passed_over


OWN, SAME = {"own/1", "own/deep/2"}, "the same folder as"


@pytest.mark.parametrize(
    ("links", "found", "passed_over"),
    [
        ({"a": "../real"}, {"a/4", "a/below/5"}, {}),
        ({"b": "../real", "a": "../real"}, {"a/4", "a/below/5"}, {"b": f"{SAME} a"}),
        ({"a": "../real/below", "b": "../real"}, {"a/5", "b/4"}, {"b/below": f"{SAME} a"}),
        ({"a": "own/deep"}, set(), {"a": f"{SAME} own/deep"}),  # what is there goes first
        ({"own/up": "."}, set(), {"own/up": f"{SAME} own"}),
        ({"own/deep/up": "../.."}, set(), {"own/deep/up": f"{SAME} ."}),
        ({"a": ".."}, set(), {"a": f"{SAME} one that this lies in"}),
        ({"a": "/"}, set(), {"a": f"{SAME} one that this lies in"}),
        ({"a": "nowhere"}, set(), {"a": "a link to nothing (nowhere)"}),
        ({"a": "b", "b": "a"}, set(), {x: f"a link to nothing ({y})" for x, y in ("ab", "ba")}),
        ({"a.wav": "nowhere"}, {"a.wav"}, {}),  # a file, to be reported as one
        ({"a": "../real/4"}, {"a"}, {}),
        ({"a": ".hidden"}, {"a/3"}, {}),
    ],
)  # fmt: skip
def test_links_are_followed_each_folder_is_visited_once_and_the_rest_is_named(
    tmp_path, links, found, passed_over
):
    assert make_tree(tmp_path, links) == (OWN | found, passed_over)


def test_a_folder_below_that_cannot_be_read_is_named_and_the_first_is_an_error(
    tmp_path, monkeypatch
):
    scandir, closed = os.scandir, tmp_path / "data" / "own" / "deep"

    def refuse(path):
        if os.fspath(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found, passed_over = make_tree(tmp_path, {})
    assert found == {"own/1"}
    assert passed_over == {"own/deep": "cannot be read (Permission denied)"}
    with pytest.raises(PermissionError):
        list(walk(closed, {}))


def test_files_are_found_sorted_in_subfolders_without_hidden_ones(tmp_path):
    for name in ("b.wav", "a/z.flac", "a/deep/y", ".hidden.wav", ".git/x.wav", "a/.cache/x.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "broken_link.wav").symlink_to("absent")
    os.mkfifo(tmp_path / "pipe.wav")
    expected = ("a/deep/y", "a/z.flac", "b.wav", "broken_link.wav")
    assert find_files("--data_dir", tmp_path) == [str(tmp_path / name) for name in expected]
    (tmp_path / "empty").mkdir()
    for name, words in (("absent", "does not exist"), ("empty", "has no files"), ("b.wav", "is a")):
        with pytest.raises(InputError, match=f"--data_dir=.*/{name}: {words}.*; give a folder"):
            find_files("--data_dir", tmp_path / name)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_text_is_the_same_in_every_encoding(mark, end):
    text = "data_dir,C:\\Müller\nname,“ö”\n"
    saved = text.replace("\n", end)
    assert decode(mark + saved.encode()) == text
    for encoding in ("cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"):
        assert decode(saved.encode(encoding)) == text, encoding
    for encoding in ("utf-16-be", "utf-32-be"):
        assert decode(("\ufeff" + saved).encode(encoding)) == text, encoding


TEXTS = [
    "château Größe", "don’t", "“Hello”, l’eau …", "¿qué? ¡año!", "cœur", "NIÑO", "École",
    "§ 5 – 6", "Ångström, smörgåsbord", "perché così città",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "utf-8", "utf-16"])
def test_text_of_old_and_new_encodings_is_read(text, encoding):
    written = f'"{text}"\r\n1.5\n'.encode(encoding)
    assert decode(written) == f'"{text}"\n1.5\n'


def test_a_nul_which_would_end_a_cell_of_a_table_is_none_when_read():
    assert decode(b"it a\0b") == "it a\ufffdb"


def test_a_label_in_windows_1252_harms_none_in_utf8():
    assert decode("é ’\n".encode() + "don’t é\n".encode("cp1252")) == "é ’\ndon’t é\n"


def test_a_large_text_is_read_line_by_line(tmp_path):
    lines = [f"{number} ü" for number in range(200_000)]  # more than is read at a time
    for encoding, end in (("utf-8-sig", "\r\n"), ("utf-16", "\n"), ("cp1252", "\n")):
        (tmp_path / "a").write_bytes((end.join(lines) + end).encode(encoding))
        assert list(read_lines(tmp_path / "a")) == lines


def test_what_no_encoding_explains_is_read_all_the_same():
    assert decode(b"a\x81b,\xfc") == "a\ufffdb,ü"  # cp1252 has no 0x81
    assert decode("ab".encode("utf-16") + b"c").startswith("ab")
    assert decode(b"") == ""


@pytest.mark.parametrize("text", ["{", "{“a”: 1}", "", "[" * 100_000])
def test_what_is_no_json_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json: not JSON \(.*\); restore it$"):
        read_json(tmp_path / "a.json", "restore it")
