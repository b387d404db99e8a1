"""What the command lines share: flags, errors in one line, output directories, progress.

TensorFlow is imported only after the flags are parsed, so that ``--help`` answers at once.
"""

import contextlib
import importlib.metadata
import logging
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator

from absl import app, flags

from wavegan_tf import demo
from wavegan_tf.analysis.annotation import AnnotationSettings
from wavegan_tf.analysis.averages import UPSAMPLES
from wavegan_tf.analysis.options import options
from wavegan_tf.analysis.settings import AcousticSettings
from wavegan_tf.analysis.textgrid import parse_labels
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import MODELS

_PACKAGES = (
    "tensorflow", "tensorflow-io", "keras", "numpy", "scipy", "praat-parselmouth", "scikit-learn",
    "matplotlib",
)  # fmt: skip


def run(main: Callable[[], None]) -> None:
    """Parses the flags and runs ``main``; bad input ends in one line and status 1."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's Keras is set to
    handler = logging.StreamHandler()
    handler.setFormatter(_LogFormat())
    logger = logging.getLogger("wavegan_tf")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False

    def guarded(argv):
        try:
            if len(argv) > 1:
                raise InputError(f"unexpected argument {argv[1]!r}; every option is a --flag=value")
            _set_up_model_in_the_box(flags.FLAGS)
            main()
        except InputError as error:
            sys.exit(f"error: {error}")
        except KeyboardInterrupt:
            sys.exit("interrupted")
        except OSError as error:
            if error.filename is None and error.strerror is None:
                raise  # no file's fault: a defect, to be seen whole
            sys.exit(f"error: {error.filename or 'file system'}: {error.strerror}")

    app.run(guarded)


def _set_up_model_in_the_box(flag_values):
    """Without ``--ckpt``, gives the flags that the model in the box needs its defaults."""
    if "ckpt" in flag_values and flag_values.ckpt is None:
        for name, value in demo.FLAGS.items():
            if name in flag_values:
                flag_values.set_default(name, value)


class _LogFormat(logging.Formatter):
    def format(self, record):
        prefix = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        return prefix + record.getMessage()


def define_checkpoint_flags(required: bool = False) -> None:
    """Flags that choose a checkpoint and state what an original's files leave open.

    Args:
        required: Whether one must be named; else the model in the box takes its place.
    """
    default = "" if required else f" Without it, the model in the box ({demo.CHECKPOINT.name})."
    flags.DEFINE_string(
        "ckpt",
        None,
        "Checkpoint: a run directory (its newest), or a prefix such as train/model.ckpt-12255; "
        f"of this package or of the original WaveGAN, ciwGAN, fiwGAN.{default}",
        required=required,
    )
    flags.DEFINE_enum(
        "model",
        None,
        MODELS,
        "The variant, where an original's files do not say it (its args.txt does not tell a "
        "ciwGAN from a fiwGAN).",
    )
    flags.DEFINE_integer(
        "data_slice_len",
        None,
        "Samples of audio, where an original's variables do not say it (no args.txt, six layers).",
    )
    flags.DEFINE_integer(
        "num_categ",
        None,
        "Variables of the code, where an original's files do not say it (no args.txt, no Q).",
    )


def open_model(flag_values):
    """What ``define_checkpoint_flags``' flags describe, as ``open_checkpoint`` opens it."""
    from wavegan_tf.checkpoints.open import open_checkpoint

    path = flag_values.ckpt
    if path is None:
        path = demo.CHECKPOINT
        logging.getLogger("wavegan_tf").info("no --ckpt: the model in the box, %s", path)
    overrides = {
        "model": flag_values.model,
        "slice_len": flag_values.data_slice_len,
        "num_categ": flag_values.num_categ,
    }
    return open_checkpoint(path, {k: v for k, v in overrides.items() if v is not None})


def define_latent_flags(layers: bool = True) -> None:
    """Flags that choose latent vectors and, unless ``layers`` is false, layers."""
    flags.DEFINE_integer("seed", 0, "Of the latent vectors.", lower_bound=0)
    flags.DEFINE_string(
        "set",
        "",
        "Variables held at a value: c1=1,z11=-5. Of a ciwGAN, naming any code variable sets the "
        "others of the code to 0.",
    )
    if layers:
        flags.DEFINE_string(
            "layers", "all", "Layers to probe, for example conv3,conv4; out always is."
        )


def define_measurement_flags(layers: bool = True) -> None:
    """Flags of annotation and measurements; each default is that of the settings.

    Args:
        layers: Whether layers are measured beside outputs. Without, nothing is upsampled, no
            TextGrids can take the place of the automatic annotation, and sounds are not written
            unless asked for.
    """
    defaults = AcousticSettings()
    f0_range = [f"{defaults.f0_floor_hz:g}", f"{defaults.f0_ceiling_hz:g}"]
    flags.DEFINE_list("f0_range", f0_range, "F0 floor and ceiling, Hz; the paper's ciwGAN: 75,450.")
    flags.DEFINE_bool(
        "f0_two_pass",
        False,
        "Measure each output's F0 in a range of its own, from the quartiles of a first pass.",
    )
    flags.DEFINE_bool(
        "no_center",
        False,
        "Leave the offset of averages in before formants, moments and the like, as the paper did.",
    )
    define_settings_flags(AcousticSettings)
    define_annotation_flags()
    if layers:
        flags.DEFINE_enum(
            "upsample",
            "linear",
            UPSAMPLES,
            "How layers get the rate of the output: linear, the paper's, or without mirror images.",
        )
        flags.DEFINE_string(
            "annotations",
            None,
            "Folder of TextGrids to take the intervals from, instead of finding them; each is "
            "named as those in audio/, 0000_out.TextGrid, or as the recording.",
        )
        flags.DEFINE_string(
            "labels",
            "",
            "What labels of --annotations stand for: V=voiced,s=frication,cl=silence.",
        )
    what = "every output and layer" if layers else "every output"
    flags.DEFINE_bool("audio", layers, f"Write {what} as a WAV, with a TextGrid.")


def define_annotation_flags() -> None:
    """Flags of the automatic intervals, and of the processes that find them."""
    define_settings_flags(AnnotationSettings)
    flags.DEFINE_integer(
        "jobs", None, "Processes that measure; all cores if not given.", lower_bound=1
    )


def define_settings_flags(settings) -> None:
    """A flag for each option of a settings class; its default is that of the settings."""
    for field in options(settings):
        define = flags.DEFINE_integer if isinstance(field.default, int) else flags.DEFINE_float
        define(field.metadata["flag"], field.default, field.metadata["help"])


def read_settings(settings, flag_values, **others):
    """The settings that ``define_settings_flags``' flags describe.

    Args:
        settings: Their class.
        flag_values: The flags.
        **others: Its fields that are no options.

    Raises:
        InputError: A value breaks its rule.
    """
    given = {x.name: flag_values[x.metadata["flag"]].value for x in options(settings)}
    return settings(**given, **others)


def measurement_plan(flag_values) -> dict:
    """What ``define_measurement_flags``' flags describe, by field of ``probing.measuring.Plan``.

    Raises:
        InputError: A value breaks its rule.
    """
    try:
        floor_hz, ceiling_hz = (float(value) for value in flag_values.f0_range)
    except ValueError:
        raise InputError(
            f"--f0_range={','.join(flag_values.f0_range)}: give floor and ceiling in Hz: "
            "--f0_range=60,300"
        ) from None
    plan = {
        "acoustic": read_settings(
            AcousticSettings,
            flag_values,
            f0_floor_hz=floor_hz,
            f0_ceiling_hz=ceiling_hz,
            center=not flag_values.no_center,
        ),
        "annotation": read_settings(AnnotationSettings, flag_values),
        "f0_two_pass": flag_values.f0_two_pass,
    }
    if "annotations" in flag_values:
        folder = flag_values.annotations
        if folder is not None and not os.path.isdir(folder):
            raise InputError(f"--annotations={folder}: no such folder; give one with TextGrids")
        plan |= {
            "upsample": flag_values.upsample,
            "annotations": folder,
            "labels": parse_labels(flag_values.labels),
        }
    return plan


def num_processes(flag_values) -> int:
    """``--jobs``, or how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # what a batch system allots; not on every system
        return flag_values.jobs or len(os.sched_getaffinity(0))
    return flag_values.jobs or os.cpu_count() or 1


def define_output_flags(default_dir: str) -> None:
    """Flags that choose where results go."""
    flags.DEFINE_string("out_dir", default_dir, "Directory for the results; made if missing.")
    flags.DEFINE_bool(
        "overwrite", False, "Replace the results in an out_dir that is not empty; other files stay."
    )


@contextlib.contextmanager
def output_directory(path: str, overwrite: bool) -> Iterator[str]:
    """A scratch directory for results, which are moved to ``path`` only if all goes well.

    Args:
        path: The directory wanted; made if missing.
        overwrite: Whether one that is not empty may be used: entries of the same names are
            replaced, others stay.

    Yields:
        The scratch directory, inside ``path``: on one file system, even if that is a mount.

    Raises:
        InputError: ``path`` is a file, or not empty and not to be overwritten.
    """
    path = os.path.abspath(path)
    if os.path.exists(path) and not os.path.isdir(path):
        raise InputError(f"--out_dir={path}: is a file; name a directory")
    if os.path.isdir(path) and os.listdir(path) and not overwrite:
        raise InputError(
            f"--out_dir={path}: exists and is not empty; name another, or add --overwrite"
        )
    made, parent = [], path
    while not os.path.isdir(parent):
        made.append(parent)
        parent = os.path.dirname(parent)
    os.makedirs(path, exist_ok=True)
    scratch = tempfile.mkdtemp(prefix=".writing-", dir=path)
    try:
        yield scratch
    except BaseException:
        shutil.rmtree(scratch)
        for directory in made:
            os.rmdir(directory)
        raise
    for name in os.listdir(scratch):
        entry = os.path.join(path, name)
        if os.path.isdir(entry):
            shutil.rmtree(entry)
        os.replace(os.path.join(scratch, name), entry)
    os.rmdir(scratch)


def define_report_flags() -> None:
    """Flags of report.html."""
    flags.DEFINE_bool("report", True, "Write report.html: the run to hear and see in a browser.")
    flags.DEFINE_integer(
        "report_outputs",
        200,
        "Outputs to hear and see in report.html, at most (about 40 kB each); 0 for all.",
        lower_bound=0,
    )


def run_record(flag_values) -> dict:
    """What repeats a run: every flag of the command and the versions of what it rests on."""
    ours = flag_values.get_key_flags_for_module(sys.argv[0])
    return {
        "command": os.path.splitext(os.path.basename(sys.argv[0]))[0],
        "flags": {flag.name: flag.value for flag in sorted(ours, key=lambda flag: flag.name)},
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in _PACKAGES},
        },
    }


def conclude(directory: str, flag_values) -> None:
    """Statistics, figures, summary and report of a whole run, from its files; prints the table.

    Args:
        directory: Where the files of the run are.
        flag_values: With ``figures``, ``max_figures`` and the flags of ``define_report_flags``.
    """
    from wavegan_tf.report import derived, figures, summary

    derived.write_statistics(directory)
    derived.write_word_averages(directory)
    if flag_values.figures:
        figures.draw_probe_figures(directory, flag_values.max_figures)
    summary.write_summary(directory)
    write_report(directory, flag_values)
    print(summary.table_text(directory))


def write_report(directory: str, flag_values) -> None:
    """Writes report.html of a run, if ``define_report_flags``' flags ask for it."""
    from wavegan_tf.report import html

    if flag_values.report:
        html.write_report(directory, flag_values.report_outputs)


def finish(out_dir: str, complaints: list[str]) -> None:
    """Says where the results are; ends with status 2 if there is something to complain of."""
    print(f"written to {out_dir}")
    for complaint in complaints:
        print(f"warning: {complaint}", file=sys.stderr)
    if complaints:
        sys.exit(2)
