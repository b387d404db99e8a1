"""Moves latent variables, all others frozen, and follows the effect through every layer.

  python interpolate.py --ckpt=train/digits --vary=z11=-15:5:2
  python interpolate.py --ckpt=train/digits --vary=c2=0:2:0.25 --set=c1=0
  python interpolate.py --ckpt=train/digits --vary=z11=-15:15:5 --vary=c2=0:5:1
  python interpolate.py --ckpt=train/digits --from=c1=5 --to=c2=5
  python interpolate.py --ckpt=train/digits --between=spherical --steps=21
  python interpolate.py

What moves is said in one of three ways, for each of --n base vectors, which stay the same at every
step: --vary, a variable and its values (given several times: every combination, a grid); --from and
--to, the way in --steps steps between two settings of one base vector, such as the codes [5, 0] and
[0, 5]; --between without these, the way between two whole vectors drawn in pairs. The model in the
box, opened without --ckpt, goes from reduplicated words to bare ones unless told otherwise.

Writes to --out_dir the files of probe.py, one output per step and base vector, and what follows
from the steps: effects.csv says what changes, with intervals over base vectors (five or more),
responses.csv the mean at every step, spikes.csv and bands.csv when and at which frequencies. The
README lists the files.
"""

import dataclasses
import functools

from absl import flags

from wavegan_tf import cli, demo
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.errors import InputError
from wavegan_tf.progress import progress
from wavegan_tf.sweeps import BETWEEN

cli.define_checkpoint_flags()
cli.define_latent_flags()
flags.DEFINE_multi_string(
    "vary",
    [],
    "A variable and its values: z11=-15:5:2 (from, to, step; both ends included) or z11=-15,0,5. "
    "Given again for further variables: every combination of values.",
)
flags.DEFINE_string(
    "from",
    None,
    "Settings (as --set) at the first step, instead of --vary; --to has those at the last.",
)
flags.DEFINE_string("to", None, "Settings at the last step.")
flags.DEFINE_enum(
    "between",
    None,
    BETWEEN,
    "How to get there: linear, or z along a great circle (its norm, and the code, linearly). "
    "Without --from and --to: between whole vectors, drawn, or in --latents, in pairs.",
)
flags.DEFINE_integer("steps", 11, "Steps of --from and --to or --between, both ends included.")
flags.DEFINE_integer("n", 10, "Base vectors, or pairs of them with --between alone.", lower_bound=1)
flags.DEFINE_string("latents", None, "Base vectors instead, one a row: a .npy or .csv file.")
flags.DEFINE_integer(
    "reference_outputs",
    100,
    "Ordinary outputs that the measure `distance` compares with; 0: no such measure.",
    lower_bound=0,
)
flags.DEFINE_bool("figures", True, "Draw figures; wavegan_tf.tools.figures draws them later.")
cli.define_measurement_flags()
cli.define_settings_flags(StatisticsSettings)
cli.define_report_flags()
cli.define_output_flags("interpolate_out")

FLAGS = flags.FLAGS

MIN_REFERENCE = 20


def check_flags():
    """Refuses flags that have no meaning together, and none that say what moves.

    Only the model in the box has a way that it goes by default.
    """
    if not (FLAGS.vary or FLAGS["from"].value or FLAGS.to or FLAGS.between):
        if FLAGS.ckpt is not None:
            raise InputError(
                "nothing moves: give --vary=z11=-15:5:2, or --from=c1=5 --to=c2=5, or "
                "--between=linear"
            )
        FLAGS["from"].value, FLAGS.to = demo.FROM, demo.TO
    ends = [name for name in ("from", "to") if FLAGS[name].value is not None]
    if len(ends) == 1:
        raise InputError(f"--{ends[0]}: a way has two ends; give --from and --to")
    ways = [name for name in ("from", "between") if FLAGS[name].value is not None]
    if FLAGS["steps"].present:
        ways.append("steps")
    if FLAGS.vary and ways:
        raise InputError(
            f"--vary and --{ways[0]}: --vary has its own values; leave out one of them"
        )
    if FLAGS.latents is not None and (FLAGS["n"].present or FLAGS["seed"].present):
        raise InputError("--latents gives the vectors; leave out --n and --seed")
    if 0 < FLAGS.reference_outputs < MIN_REFERENCE:
        raise InputError(
            f"--reference_outputs={FLAGS.reference_outputs}: too few to say what is ordinary; "
            f"give 0 or at least {MIN_REFERENCE}"
        )


def choose_vectors(config, varied, multiple=1):
    """The base vectors of the flags, or with a ``multiple`` of 2 pairs of them."""
    from wavegan_tf.latents import load_latents, sample_latents
    from wavegan_tf.sweeps import check_number

    if FLAGS.latents is None:
        check_number(FLAGS.n, varied)
        return sample_latents(config, FLAGS.n * multiple, FLAGS.seed)
    vectors = load_latents(FLAGS.latents, config)
    if len(vectors) % multiple:
        raise InputError(
            f"--latents={FLAGS.latents}: {len(vectors)} vectors, but --between goes from each odd "
            "one to the next: give an even number"
        )
    check_number(len(vectors) // multiple, varied)
    return vectors


def choose_steps(config):
    """What the flags describe.

    Returns:
        The latent vectors [bases * cells, latent_dim], the sweeps, and how to get from one vector
        to another, or None.
    """
    from wavegan_tf import sweeps
    from wavegan_tf.latents import apply_settings, parse_settings

    settings = parse_settings(FLAGS.set, config)
    if FLAGS.vary:
        varied = sweeps.parse_sweeps(FLAGS.vary, settings, config)
        bases = choose_vectors(config, varied)
        return sweeps.grid_latents(bases, settings, varied, config), varied, None
    path, between = sweeps.parse_path(FLAGS.steps), FLAGS.between or "linear"
    if FLAGS["from"].value is None:
        vectors = apply_settings(choose_vectors(config, [path], 2), settings, config)
        starts, ends = vectors[::2], vectors[1::2]
    else:
        both = sweeps.parse_ends(FLAGS["from"].value, FLAGS["to"].value, settings, config)
        bases = choose_vectors(config, [path])
        starts, ends = (apply_settings(bases, settings | end, config) for end in both)
    return sweeps.path_latents(starts, ends, path, between, config), [path], between


def main():
    """Interpolates latent variables of a checkpoint."""
    check_flags()
    with cli.output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        plan = cli.measurement_plan(FLAGS)
        statistics = dataclasses.asdict(cli.read_settings(StatisticsSettings, FLAGS))
        from wavegan_tf.probing import reference, run, sources
        from wavegan_tf.report import derived, figures, moves, steps
        from wavegan_tf.sweeps import cell_names

        opened = cli.open_model(FLAGS)
        latents, varied, between = choose_steps(opened.config)
        names = cell_names(varied)
        request = run.Request(
            layers=FLAGS.layers,
            outputs=(0, len(latents)),
            keep_audio=FLAGS.audio,
            num_processes=cli.num_processes(FLAGS),
        )
        record = cli.run_record(FLAGS) | {
            "statistics": statistics,
            "vary": [{"name": sweep.name, "values": list(sweep.values)} for sweep in varied],
            "between": between,
            "n_bases": len(latents) // len(names),
            "reference": {"n": FLAGS.reference_outputs, "seed": reference.REFERENCE_SEED},
        }
        shown = functools.partial(progress, label="interpolating")
        inputs = sources.Latents(latents, tuple(names))
        run.write_run(directory, opened, inputs, request, plan, record, shown)
        if FLAGS.reference_outputs:
            reference.write_reference(directory, opened, FLAGS.layers, FLAGS.reference_outputs)
        derived.write_statistics(directory)
        steps.write_steps(directory)
        if FLAGS.figures:
            figures.draw_interpolation_figures(directory)
        cli.write_report(directory, FLAGS)
        print(moves.effects_text(directory))
        complaints = derived.complaints(directory)
    cli.finish(FLAGS.out_dir, complaints)


if __name__ == "__main__":
    flags.adopt_module_key_flags(cli)
    cli.run(main)
