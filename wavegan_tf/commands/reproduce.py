"""Puts the claims of the paper to the demo models, and writes them with verdicts on one page.

A run is that of a command line which the page shows. Its results stand in OUT/RUN; where these are
whole, and of the same flags and checkpoint, it is not made again. The page is OUT/paper.md.
"""

import contextlib
import json
import logging
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

import wavegan_tf
from wavegan_tf.commands.flags import define_options, define_path, read_options, with_flagfiles
from wavegan_tf.errors import InputError

if TYPE_CHECKING:
    from wavegan_tf.experiments.result import Result
    from wavegan_tf.model import Model

GROUPS = dict.fromkeys(("out_dir", "jobs"), "Basics")
FLAGS = flags.FLAGS
UNTRAINED = 19  # networks with random weights, beside which codes are asked for words
RECIPES = Path(__file__).parents[2] / "recipes"


def define_flags() -> None:
    """Defines the flags of the command."""
    define_path("out_dir", "paper_out", "Directory for the page and its runs; created if missing.")
    flags.DEFINE_integer("jobs", None, "Number of processes; all cores if not given.", 1)


def main() -> None:
    """Makes the runs and writes the page."""
    from wavegan_tf import demo
    from wavegan_tf.checkpoints.open import open_checkpoint
    from wavegan_tf.experiments.labelled import words_of_codes
    from wavegan_tf.model import Model, load
    from wavegan_tf.models.networks import build_networks
    from wavegan_tf.output.directory import refuse_file
    from wavegan_tf.output.style import SCREEN_DPI, save_png
    from wavegan_tf.paper import judges
    from wavegan_tf.paper.claims import CLAIMS
    from wavegan_tf.paper.page import page
    from wavegan_tf.paper.runs import RUNS, WORDS, WORDS_LINE, command_line

    if not RECIPES.is_dir():
        raise InputError(f"{RECIPES}: no such folder; run the command in a checkout of the package")
    refuse_file(FLAGS.out_dir)
    out, jobs, log = Path(FLAGS.out_dir), FLAGS.jobs, logging.getLogger("wavegan_tf")
    for flag in GROUPS:  # the flags of the runs come and go
        delattr(FLAGS, flag)
    (out / "paper").mkdir(parents=True, exist_ok=True)
    known, lines, models = dict[str, str](), dict[str, str](), dict[str, str]()
    findings, drawn = dict[str, judges.Finding](), set[str]()
    for run in RUNS:
        lines[run] = command_line(run, known)
        log.info(lines[run])
        name, *words = [at_home(word, out) for word in shlex.split(lines[run])[3:-1]]
        if name == "make_corpus":
            make_corpus(words, out / run, jobs)
            continue
        options, given = read_flags(name, words)
        model = load(given["ckpt"])
        models[given["ckpt"]] = describe(model)
        result = make_run(name, model, options | {"jobs": jobs}, given, out / run)
        if run == "identify_s":
            known = judges.carrier(result)
        for claim in (claim for claim in CLAIMS if claim.run == run):
            findings[claim.name] = claim.judge(result)
            figures = [x for x in result.figures if claim.figure and x.startswith(claim.figure)]
            if figures:
                path = out / "paper" / f"{claim.name}.png"
                save_png(result.figure(figures[0]), path, SCREEN_DPI)
                drawn.add(claim.name)
    lines[WORDS] = WORDS_LINE
    classifier = f"{demo.find('demo:digits')}/classifier.npz"
    opened = open_checkpoint("demo:digits")
    random = (build_networks(opened.config, k) for k in range(1, UNTRAINED + 1))
    named = [
        words_of_codes(Model(opened._replace(networks=x)), classifier, n=100, value=2.0)
        for x in (opened.networks, *random)
    ]
    findings |= {claim.name: claim.judge(named) for claim in CLAIMS if claim.run == WORDS}
    text = page(findings, lines, models, drawn)
    (out / "paper.md").write_text(text, encoding="utf-8", newline="\n")
    print(f"written to {out}; open {out / 'paper.md'}")


def at_home(word: str, out: Path) -> str:
    """Finds the recipes of the checkout, and the corpus among the runs, wherever one stands."""
    if word.startswith("--flagfile=recipes/"):
        return word.replace("recipes", str(RECIPES), 1)
    return f"--compare_with={out / 'corpus'}" if word == "--compare_with=corpus" else word


@contextlib.contextmanager
def flags_of(define: Callable[[], Any], words: list[str]) -> Iterator[None]:
    """Defines the flags of another command, and reads them from its words, for a while."""
    before = set(FLAGS)
    try:
        define()
        FLAGS(["", *with_flagfiles(words)])
        yield
    finally:
        for flag in set(FLAGS) - before:
            delattr(FLAGS, flag)


def read_flags(name: str, words: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Reads an experiment's command line: its options, and all flags that are given, by name."""
    from wavegan_tf.experiments.result import experiment

    def define() -> None:
        define_path("ckpt", None, "Checkpoint.")
        define_options(options)

    options = experiment(name).Options
    with flags_of(define, words):
        given = {flag: FLAGS[flag].value for flag in FLAGS if FLAGS[flag].present}
        return read_options(options, FLAGS), given


def is_whole(directory: Path, given: dict[str, Any], sha256: str = "") -> bool:
    """Says whether a directory holds what these flags, this checkpoint and version give."""
    from wavegan_tf.output.files import read_json

    if not (directory / "config.json").is_file():
        return False
    settings = read_json(directory / "config.json")
    kept = {name: settings["flags"].get(name) for name in given}
    same = kept == json.loads(json.dumps(given))
    same &= settings.get("versions", {}).get("wavegan_tf") == wavegan_tf.__version__
    return same and sha256 == settings.get("checkpoint", {}).get("sha256", "")


def make_corpus(words: list[str], directory: Path, jobs: int | None) -> None:
    """Makes a corpus, if it is not there."""
    from wavegan_tf.commands import make_corpus as command

    more = [f"--out_dir={directory}", "--overwrite", *[f"--jobs={jobs}"] * bool(jobs)]
    with flags_of(command.define_flags, [*words, *more]):
        given = read_options(command.Options, FLAGS)
        if not is_whole(directory, {x: given[x] for x in given if x not in ("overwrite", "jobs")}):
            command.main()


def make_run(
    name: str, model: "Model", options: dict[str, Any], given: dict[str, Any], directory: Path
) -> "Result":
    """Runs an experiment and writes its results, or loads those that are there."""
    from wavegan_tf.experiments.front import run_experiment
    from wavegan_tf.experiments.result import load_run
    from wavegan_tf.output.directory import output_directory

    if is_whole(directory, given, model.checkpoint["sha256"]):
        return load_run(directory)
    result = run_experiment(name, model, None, options)
    result.settings["flags"] = given
    with output_directory(str(directory), overwrite=True) as scratch:
        result.save(scratch, figures=False, page=False)
    return result


def describe(model: "Model") -> str:
    """Says in a few words what a model is."""
    return f"dim {model.config.dim}, step {model.step}"
