"""The examples of the README and of docs/, run in their order on a tiny scale."""

import ast
import functools
import itertools
import json
import re
import shlex
import shutil

import conftest
import pandas as pd
import pytest
import tensorflow as tf
from draw_figures import captions
from run_recipes import lay_desk
from test_strategy import free_addresses
from test_walls import imports_of

from wavegan_tf.checkpoints.open import open_checkpoint
from wavegan_tf.commands import COMMANDS
from wavegan_tf.experiments.names import EXPERIMENTS, KINDS
from wavegan_tf.experiments.probe import Options
from wavegan_tf.options import build, options
from wavegan_tf.output import codebook
from wavegan_tf.output.files import read_table
from wavegan_tf.speech.intervals import Interval
from wavegan_tf.speech.settings import IntervalSettings, PraatSettings
from wavegan_tf.speech.textgrids import save_intervals
from wavegan_tf.stats.resampling import StatisticsSettings

PAGES = [conftest.ROOT / "README.md", *sorted((conftest.ROOT / "docs").glob("*.md"))]
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
OUTPUTS = TEXTS[conftest.ROOT / "docs" / "outputs.md"]
SETTINGS = "".join(TEXTS[conftest.ROOT / "docs" / f"{x}.md"] for x in ("measures", "statistics"))

WINDOWS = " ".join(conftest.SHORT_WINDOWS)

# Added to an example, so that it takes seconds: the last of two equal flags counts.
SMALL = {
    "train": "--wavegan_dim=1 --train_batch_size=2 --train_steps=2",
    "probe": "--controls=1 --nofigures --max_figures=1 --jobs=1 --layers=conv4 --noreport",
    "interpolate": "--n=1 --layers=conv4 --jobs=1 --controls=0 --reference_outputs=0 --nofigures "
    f"--noreport {WINDOWS}",
    "identify": "--property=rms_db --n=30 --proof_outputs=2 --code_outputs=1 --top=1 --controls=1 "
    f"--values=-1,1 --code_levels=1 --n_permutations=99 --nofigures --jobs=1 --noreport {WINDOWS}",
    "feature_maps": "--n=5 --layer=conv1 --nofigures --jobs=1 --noreport --voicing_floor=200",
    "recognise": "--controls=1 --n_permutations=99 --nofigures --jobs=1 --noreport",
    "intervene": "--n=2 --layers=conv4 --patch=average,scan --nofigures --jobs=1 --noreport "
    f"{WINDOWS}",
    "cdev": "--n=2 --outcomes=rms_db --controls=1 --nofigures --jobs=1 --noreport",
    "contours": "--layers=conv4 --nofigures --jobs=1 --noreport",
    "latency": "--nofigures --jobs=1 --noreport",
    "projection": f"--n=5 --controls=2 --jobs=1 --nofigures --noreport {WINDOWS}",
    "evaluate": "--n=20 --n_permutations=99 --nofigures --jobs=1 --noreport",
    "merge": "--nofigures",
    "listen": "--overwrite",
    "vot": "--n=10 --recordings=5 --nofigures --jobs=1 --noreport",
    "make_corpus": "--n=12 --jobs=1",
    "prepare_words": "--skip_words=1 --num_words=3 --jobs=1",
}


def examples(language):
    """The blocks of a language on all pages, in order, each once."""
    fence = rf"^```{language}\n(.*?)^```"
    found = [x for text in TEXTS.values() for x in re.findall(fence, text, re.M | re.S)]
    return list(dict.fromkeys(found))


def turn(command):
    """Trainings that need nothing else come first, then what opens them."""
    return command[0] != "train.py" or "--init_ckpt=original" in command


@pytest.fixture(scope="module")
def desk(tmp_path_factory, speech_dir, run_script):
    """A folder in which all commands were run, but those of recipes (tests/test_recipes.py)."""
    desk = tmp_path_factory.mktemp("desk")
    lay_desk(desk)
    (desk / "tests").symlink_to(conftest.ROOT / "tests")
    (desk / "recordings").mkdir()
    for path in speech_dir.iterdir():  # four takes of a word, for evaluate wants 20 recordings
        for end in ("", "_1", "_2", "_3"):
            shutil.copy(path, desk / "recordings" / f"{path.stem}{end}.wav")
    for name, words in (("anna", "abc"), ("ben", "abb")):  # as listen.html saves them
        rows = "".join(f"{i},{words[i % 3]}\n" for i in range(30))
        (desk / f"labels-{name}.csv").write_text(f"output,label\n{rows}")
    (desk / "mfa").rename(desk / "LibriSpeech_aligned")
    for mine, theirs in (("my_recordings", "LibriSpeech"), ("my_textgrids", "LibriSpeech_aligned")):
        (desk / mine).symlink_to(theirs)
    (desk / "corrected_grids").mkdir()
    intervals = [Interval("voiced", 0.1, 0.5)]
    save_intervals(desk / "corrected_grids" / "0000_out.TextGrid", intervals, 1.024)
    lines = dict.fromkeys(line for block in examples("sh") for line in block.splitlines())
    lines = [x for x in lines if x.startswith("python ") and "--flagfile=" not in x]
    for command in sorted((shlex.split(line)[1:] for line in lines), key=turn):
        number = 3 if command[0] == "-m" else 1
        flags, name = command[number:], command[number - 1].removesuffix(".py")
        small = SMALL.get(name, "").split()
        if "--words=pala,papala" in flags:
            small = ["--words=the,cat", "--jobs=1"]
        elif name in ("probe", "contours") and "--network=q" not in flags:
            small += ["--recordings=5"] * ("--compare_with=recordings" in flags)
            windows = WINDOWS.split() * ("--f0_range=75,180" not in flags)  # a low voice
            small += ["--n=2", *windows]
        elif name == "interpolate" and any(flag.startswith("--from=") for flag in flags):
            small += ["--steps=3"]
        result = run_script(" ".join(command[:number]), *flags, *small, cwd=desk)
        assert result.returncode == 0, f"{command}\n{result.stderr}"
    return desk


def test_every_command_runs_and_leaves_what_the_pages_promise(desk):
    found = "probed corrected codes classified merged measured_alike interpolated_c2 codes_apart"
    paths = [desk / name / "tables" / "points.csv" for name in found.split()]
    others = "identified/tables/ranking.csv followed/tables/maps.csv intervened/tables/checks.csv"
    others += " original/args.txt train/continued/checkpoint to_hand_on/config.json"
    others += " probed/figures/layers_0000.png"
    assert all(path.is_file() for path in [*paths, *(desk / name for name in others.split())])
    original = tf.train.list_variables(str(desk / "original"))
    assert original and not any(name.startswith("wavegan_tf/") for name, _ in original)
    of_port = json.loads((desk / "probed_port" / "config.json").read_text())
    assert of_port["model"]["layout"] == "pytorch" and of_port["checkpoint"]["step"] == 150


def test_the_page_of_outputs_says_what_the_codebook_says():
    assert codebook.fill(OUTPUTS) == OUTPUTS  # else: python -m wavegan_tf.output.codebook
    marks = re.findall(r"<!-- codebook: (\w+) -->", OUTPUTS)
    assert sorted(marks) == sorted([*KINDS, codebook.ALL, codebook.SEVERAL])


def test_every_file_table_and_column_of_a_run_has_a_meaning(desk):
    for run in (path.parent for path in desk.glob("*/tables")):
        kind = json.loads((run / "config.json").read_text())["kind"]
        tables = {path.stem: pd.read_csv(path, nrows=0) for path in (run / "tables").iterdir()}
        meanings = codebook.columns(kind, tables)
        assert (meanings["meaning"] != "").all(), meanings[meanings["meaning"] == ""]
        assert read_table(run / "columns.csv").equals(meanings)
        files = {path.name for path in run.iterdir()} - {"tables"}
        assert files <= set(re.findall(r"`([\w.]+)/?`", OUTPUTS)), kind


def test_the_codebook_describes_nothing_that_is_not_there(desk):
    known = {}  # by experiment and table the columns
    for path in desk.glob("*/tables/*.csv"):
        kind = json.loads((path.parents[1] / "config.json").read_text())["kind"]
        for place in itertools.product((kind, ""), (path.stem, "")):
            known.setdefault(place, set()).update(pd.read_csv(path, nrows=0))
    for kind, table, column in codebook.read_book():
        if column not in known.get((kind, table), ()):  # of flags that no page has
            written = written_in(kind)
            assert (kind, table) in known or table in written, (kind, table)
            assert not column or column.removeprefix("logit_") in written, (kind, table, column)


@functools.cache
def written_in(kind):
    """Texts and keywords in the source of an experiment (or of all), and of what it rests on."""
    left = [f"wavegan_tf.experiments.{name}" for name in KINDS if kind in ("", name)]
    done, written = {}, set()
    while left:
        path = conftest.ROOT / f"{left.pop().replace('.', '/')}.py"
        if path in done or not path.is_file():
            continue
        done[path] = ast.parse(path.read_text(encoding="utf-8"))
        left += [x for x in imports_of(path) if x.split(".")[1:2] in (["experiments"], ["stats"])]
    for node in itertools.chain.from_iterable(map(ast.walk, done.values())):
        if isinstance(node, ast.Constant | ast.keyword):
            written.add(node.value if isinstance(node, ast.Constant) else node.arg)
    return written


def test_the_two_machines_train_together(desk, start_script):
    lines = [line for block in examples("sh") for line in block.splitlines()]
    commands = [line for line in lines if line.startswith("TF_CONFIG=")]
    assert len(commands) == 2
    words = dict(zip(("node1:2222", "node2:2222"), free_addresses(2), strict=True))
    scripts = []
    for command in commands:
        for word, mine in words.items():
            command = command.replace(word, mine)
        config, python, *command = shlex.split(command)
        assert python == "python"
        environment = dict([config.split("=", 1)])
        command += SMALL["train"].split()
        scripts.append(start_script(*command, cwd=desk, environment=environment))
    for script in scripts:
        result = script.finish()
        assert result.returncode == 0, result.stderr
        assert "at step 2" in result.stdout
    assert open_checkpoint(desk / "train" / "two").step == 2


@pytest.mark.parametrize("code", examples("python"))
def test_the_python_runs(desk, code, run_script, tmp_path):
    (tmp_path / "example.py").write_text(code)
    result = run_script(str(tmp_path / "example.py"), cwd=desk)
    assert result.returncode == 0, result.stderr


def test_the_settings_file_names_settings():
    build(Options, {}, json.loads(*examples("json")))


@pytest.mark.parametrize("settings", (PraatSettings, IntervalSettings, StatisticsSettings))
def test_the_tables_of_settings_say_what_the_code_says(settings):
    rows = re.findall(r"^\| `(\w+)`[^|]*\| [^|]+ \| (.+) \|$", SETTINGS, re.MULTILINE)
    assert {(x.name, x.metadata["option"]["help"]) for x in options(settings)} <= set(rows)


def test_every_flag_and_command_that_is_named_exists(run_script):
    helps = "".join(run_script(f"-m wavegan_tf {name}", "--helpfull").stdout for name in COMMANDS)
    flags = re.findall(r"^  --(\[no\])?(\w+)$", helps, re.MULTILINE)
    known = {name for _, name in flags} | {f"no{name}" for no, name in flags if no}
    known |= {"help", "helpfull", "flagfile", "flag", "version"}
    known |= {"samples_per_plugin", "nodes", "ntasks", "array", "dist", "logdir"}  # of others
    known |= {"cpus", "mem", "time", "requeue", "signal"}  # of SLURM
    for page, text in TEXTS.items():
        assert not set(re.findall(r"(?<!-)--(\w+)", text)) - known, page.name
        assert set(re.findall(r"-m wavegan_tf (\w+)", text)) <= {*COMMANDS, "COMMAND"}, page.name


def test_every_page_is_in_the_guide_and_every_command_has_one():
    nav = re.findall(r"\b(\w+\.md)$", (conftest.ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(nav) == sorted(page.name for page in PAGES if page.parent.name == "docs")
    assert {f"{name}.md" for name in EXPERIMENTS} <= set(nav)
    text = "".join(TEXTS.values())
    assert {*COMMANDS} <= set(re.findall(r"python (?:-m wavegan_tf )?(\w+)", text))


def test_every_figure_of_the_guide_says_which_command_draws_it():
    drawn = {name for _, name, _, _ in captions()} | {"overview.png", "r_f0.png"}
    assert {path.name for path in (conftest.ROOT / "docs").glob("*.png")} == drawn


def test_every_link_leads_somewhere():
    for page, text in TEXTS.items():
        for target in re.findall(r"\]\((?!http)([^)]+)\)", text):
            name, _, anchor = target.partition("#")
            file = page.parent / name if name else page
            assert file.is_file(), (page.name, target)
            headings = re.findall(r"^#+ (.+)$", TEXTS.get(file, ""), re.MULTILINE)
            found = {re.sub(r"[^\w -]", "", x.lower()).replace(" ", "-") for x in headings}
            assert not anchor or anchor in found, (page.name, target)
