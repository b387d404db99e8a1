"""Every recipe from corpus to figures, a few steps of a tiny model: prepare, train, analyse.

  python tests/run_recipes.py            all of them, in a folder of its own, deleted afterwards
  python tests/run_recipes.py wavegan    those with this in their name

TIMIT and LibriSpeech are stood in for by trees that the tests make.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

RECIPES = ROOT / "recipes"
TOOL = "-m wavegan_tf "
TIMIT = f"{TOOL}prepare_timit --timit_dir=TIMIT"
LIBRI = f"{TOOL}prepare_words --audio_dir=LibriSpeech --alignments=mfa --skip_words=1 --num_words=3"
WAVEGAN = "probe_wavegan identify_s interpolate_wavegan feature_maps_wavegan".split()
CIWGAN = "probe_ciwgan identify_reduplication interpolate_ciwgan".split()
CHAINS = {
    "train_wavegan_timit": (TIMIT, WAVEGAN),
    "train_wavegan_librispeech": (LIBRI, ["probe_wavegan", "interpolate_wavegan"]),
    "train_ciwgan_reduplication": (f"{TOOL}make_corpus --corpus=reduplication --n=6", CIWGAN),
    "train_ciwgan_timit5": (f"{TIMIT} --words=paper5", ["probe_ciwgan"]),
    "train_ciwgan_timit10": (f"{TIMIT} --words=paper10", ["interpolate_ciwgan"]),
    "train_fiwgan_timit8": (f"{TIMIT} --words=paper8", ["interpolate_ciwgan"]),
    "small_wavegan_stv": (f"{TOOL}make_corpus --corpus=stv --n=6", WAVEGAN),
    "small_ciwgan_reduplication": (f"{TOOL}make_corpus --corpus=reduplication --n=6", CIWGAN),
    "small_wavegan_deep": (f"{TOOL}make_corpus --corpus=stv --n=6", ["probe_wavegan"]),
    "small_ciwgan_digits": (f"{TOOL}make_corpus --corpus=reduplication --n=6", ["probe_ciwgan"]),
    "small_ciwgan_words": (f"{TOOL}make_corpus --corpus=reduplication --n=6", ["probe_ciwgan"]),
    "small_fiwgan_words": (f"{TOOL}make_corpus --corpus=reduplication --n=6", ["probe_wavegan"]),
}
"""By training recipe: how its corpus is made, and the recipes of what is done with the model."""

COMMANDS = {
    "train": "train.py",
    "small": "train.py",
    "probe": "probe.py",
    "interpolate": "interpolate.py",
    "identify": f"{TOOL}identify",
    "feature_maps": f"{TOOL}feature_maps",
}
WINDOWS = "--voicing_floor=200 --f0_range=200,300 --noreport"  # Praat takes half the time
SMALL = {  # added to a recipe, so that it takes seconds: the last of two equal flags counts
    "train.py": "--wavegan_dim=2 --train_batch_size=2 --wavegan_disc_nupdates=1 --train_steps=2",
    "probe.py": f"--n=2 --controls=1 --nofigures --jobs=1 --layers=conv4 {WINDOWS}",
    "interpolate.py": "--n=1 --layers=conv4 --jobs=1 --controls=0 --reference_outputs=0 "
    f"--nofigures {WINDOWS}",
    f"{TOOL}identify": (
        "--property=rms_db --n=30 --proof_outputs=2 --code_outputs=1 --top=1 --controls=1 "
        f"--values=-1,1 --n_permutations=99 --nofigures --jobs=1 {WINDOWS}"
    ),
    f"{TOOL}feature_maps": "--n=5 --layer=conv1 --nofigures --jobs=1 --noreport "
    "--voicing_floor=200",
}


def command_of(recipe: str) -> str:
    """The command that a recipe's flags are for, by the start of its name."""
    return next(command for start, command in COMMANDS.items() if recipe.startswith(f"{start}_"))


def flags_of(recipe: str) -> dict[str, str]:
    """A recipe's flags; those given several times are joined by spaces."""
    flags = {}
    for line in (RECIPES / f"{recipe}.flags").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.removeprefix("--").partition("=")
            flags[name] = f"{flags[name]} {value}" if name in flags else value
    return flags


def lay_desk(desk: Path) -> None:
    """A folder as the recipes assume it: the scripts, a TIMIT and a LibriSpeech."""
    from made_timit import make_tree
    from test_prepare_words import make_librispeech

    for name in ("wavegan_tf", "train.py", "probe.py", "interpolate.py", "recipes"):
        (desk / name).symlink_to(ROOT / name)
    make_tree(desk / "TIMIT")
    make_librispeech(desk)


def run_chain(recipe: str, run, desk: Path) -> None:
    """Corpus, training and analyses of a training recipe.

    Args:
        recipe: Of :data:`CHAINS`.
        run: Runs a script with flags in the desk and returns its completed process.
        desk: Of :func:`lay_desk`.
    """
    prepare, analyses = CHAINS[recipe]
    flags = flags_of(recipe)
    words = prepare.split()
    if not (desk / flags["data_dir"]).exists():  # recipes share corpora
        made = run(" ".join(words[:3]), *words[3:], f"--out_dir={flags['data_dir']}")
        # A word that the small trees lack is a warning: status 2.
        assert made.returncode in (0, 2), made.stderr
    for name in (recipe, *analyses):
        command = command_of(name)
        more = SMALL[command].split()
        if name != recipe:
            more += [f"--ckpt={flags['train_dir']}", f"--out_dir=out/{recipe}/{name}"]
        done = run(command, f"--flagfile=recipes/{name}.flags", *more)
        assert done.returncode in (0, 2), f"{recipe}, {name}: {done.stderr}"
        if name != recipe:
            assert (desk / f"out/{recipe}/{name}/config.json").is_file()


def main():
    chosen = [name for name in CHAINS if all(part in name for part in sys.argv[1:])]
    with tempfile.TemporaryDirectory() as folder:
        desk = Path(folder)
        lay_desk(desk)

        def run(script, *flags):
            command = [sys.executable, *script.split(), *flags]
            return subprocess.run(command, cwd=desk, capture_output=True, text=True)

        for name in chosen:
            begun = time.monotonic()
            run_chain(name, run, desk)
            lasted_s = time.monotonic() - begun
            print(f"{name}: {', '.join(CHAINS[name][1])}, {lasted_s:.0f} s", flush=True)


if __name__ == "__main__":
    main()
