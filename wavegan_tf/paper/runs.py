"""The runs of the page, each the command line that a reader can type.

``{s}`` is the latent variable that carries [s], which the first run finds; ``{way}`` and ``{far}``
are sweeps that begin at the end where it does. A corpus comes before what is measured beside it.
"""

RUNS = {
    "identify_s": "identify --ckpt=demo:stv --flagfile=recipes/identify_s.flags --n=2000 --top=8 "
    "--proof_outputs=20",
    "interpolate_s": "interpolate --ckpt=demo:stv --vary={s}={way} --clip --n=5",
    "feature_maps_s": "feature_maps --ckpt=demo:stv --flagfile=recipes/feature_maps_wavegan.flags "
    "--vary={s}={far} --n=100",
    "corpus": "make_corpus --corpus=stv --s_share=0.3 --num_speakers=1 --n=400",
    "vot": "vot --ckpt=demo:stv --compare_with=corpus",
    "probe_stv": "probe --ckpt=demo:stv --flagfile=recipes/probe_wavegan.flags",
    "probe_reduplication": "probe --ckpt=demo:reduplication --flagfile=recipes/probe_ciwgan.flags",
    "probe_digits": "probe --ckpt=demo:digits --flagfile=recipes/probe_ciwgan.flags",
    "identify_codes": "identify --ckpt=demo:reduplication "
    "--flagfile=recipes/identify_reduplication.flags --n=200 --top=1 --controls=0",
    "cdev_code": "cdev --ckpt=demo:reduplication --vary=c1=0:1.5:0.125 --vary=c2=0:1.5:0.125 "
    "--outcomes=voiced.duration>0.42 --n=40",
    "contours_codes": "contours --ckpt=demo:reduplication --track=series --of=output --n_points=32",
}
"""By name, in order: what ``python -m wavegan_tf`` is given, without ``--out_dir=NAME``."""

WORDS = "words"
"""What a classifier takes the outputs of each code for: a call, since it takes no recordings."""

WORDS_LINE = (
    "import wavegan_tf as wg; from wavegan_tf.experiments.labelled import words_of_codes; "
    'words_of_codes(wg.load("demo:digits"), "wavegan_tf/demo/digits/classifier.npz", 100, 2)'
)
"""As it is typed in Python."""


def command_line(name: str, found: dict[str, str]) -> str:
    """Writes the command of a run as it is typed."""
    words = [f'"{word}"' if ">" in word else word for word in RUNS[name].format(**found).split()]
    return " ".join(["python -m wavegan_tf", *words, f"--out_dir={name}"])
