"""Replaces parts of a layer by those of another output: what share of an effect do they carry?

  python -m wavegan_tf.tools.intervene --ckpt=train/digits --from=z11=0 --to=z11=15
  python -m wavegan_tf.tools.intervene --ckpt=train/digits --from=c1=1 --to=c2=1 --maps=conv2:3,17
  python -m wavegan_tf.tools.intervene --ckpt=train/digits --to=z11=15 --window_s=0:1:0.1
  python -m wavegan_tf.tools.intervene --ckpt=train/digits --maps=conv4:5 --by=0 --patch=scan

Each of --n base latent vectors is generated under --from and under --to; the difference is the
effect. Then a part of a layer is replaced in the first by that of the second, and the Generator
runs on from there: the share of the effect that follows is what this part carries. A WHOLE layer
always carries all of it: the Generator is a chain, and nothing gets past a layer. Every run checks
this (checks.csv); it is no finding. Parts that say something (--patch, --maps, --window_s):

  average  what the technique listens to: the mean over the maps, moved to that of the other
  gain     the same by scaling all maps alike, so that the other's average is reached exactly
  rest     all but the average: the maps of the other, moved back to the average of this one
  scan     each map alone, then the first 1, 2, .. of the most effective: how many carry it
  maps     those named, counted from 1
  window   all maps, but only within a stretch of time

Two controls. A distance (waveform, shape, spectrum) becomes less by loudness alone: there a part
carries the effect only if it leads nearer than any gain of the untouched output does (of a window:
any gain within it; columns scaled, beyond). And the same part is taken from the other output of
another base latent vector (control): what it does too is common to outputs under --to, an effect of
the setting all the same; what the right one does more (specific) belongs to this very output. The
shape of the waveform, 1 - r², knows no loudness; the scan tells its share, or that of --scan_by.

With --by=mean or a factor there is no other output: parts become their mean over the outputs or are
scaled (--by=0 silences), and what changes in the output is told. Writes interventions.csv,
maps.csv, figures/, summary.md and what they rest on; the README lists the columns.
"""

import dataclasses

import numpy as np
from absl import flags

from wavegan_tf import cli
from wavegan_tf.analysis.causes.interventions import PARTS
from wavegan_tf.analysis.causes.outputs import MEASURES
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.errors import InputError
from wavegan_tf.latents import apply_settings, parse_settings, sample_latents
from wavegan_tf.probing.cells import SCAN, choose_layers, make_cells, parse_by
from wavegan_tf.progress import progress

cli.define_checkpoint_flags()
cli.define_latent_flags(layers=False)
flags.DEFINE_string(
    "layers", "all", "Layers to intervene on, for example conv3,conv4; all: every one before out."
)
flags.DEFINE_integer("n", 25, "Base latent vectors.", lower_bound=1)
flags.DEFINE_string("from", "", "Settings of the outputs that are intervened on, after --set.")
flags.DEFINE_string("to", "", "Settings of the outputs that parts are taken from, after --set.")
flags.DEFINE_string(
    "by", "other", "What replaces a part: other (that of --to), mean (over outputs) or a factor."
)
flags.DEFINE_list("patch", [*PARTS, SCAN], "Parts of each layer: of average, gain, rest, scan.")
flags.DEFINE_multi_string("maps", [], "Feature maps to replace together: conv2:3,17.")
flags.DEFINE_multi_string(
    "window_s", [], "Stretches to replace, one by one: 0.1,0.3 (s), or 0:1:0.1 (all, by steps)."
)
flags.DEFINE_enum(
    "scan_by",
    "shape",
    tuple(MEASURES),
    "The measure whose share the scan tells; with --by=mean or a factor the waveform's power.",
)
flags.DEFINE_bool("figures", True, "Draw figures.")
cli.define_measurement_flags(layers=False)
cli.define_output_flags("interventions_out")

FLAGS = flags.FLAGS


def check_flags(by) -> None:
    """Refuses flags that have no meaning together."""
    if by == "other" and FLAGS["from"].value == FLAGS.to:
        raise InputError(
            f"--from={FLAGS.to} --to={FLAGS.to}: the same, so there is no effect; give different "
            "settings, or --by=0 to silence"
        )
    for name in ("to",) if by != "other" else ():
        if FLAGS[name].present:
            raise InputError(
                f"--{name}={FLAGS[name].value}: has no meaning with --by={FLAGS.by}, which takes "
                "nothing from another output; leave one of them out"
            )
    if by != "other" and FLAGS["scan_by"].present and FLAGS.scan_by != "waveform":
        raise InputError(
            f"--scan_by={FLAGS.scan_by}: with --by={FLAGS.by} only the waveform's change is a "
            "share of something; leave it out"
        )


def choose_latents(config, by) -> tuple[np.ndarray, np.ndarray | None]:
    """The latent vectors at both ends, [n, latent_dim] each."""
    base = sample_latents(config, FLAGS.n, FLAGS.seed)
    base = apply_settings(base, parse_settings(FLAGS.set, config), config)
    start, end = (
        apply_settings(base, parse_settings(FLAGS[name].value, config, f"--{name}"), config)
        for name in ("from", "to")
    )
    if by != "other":
        return start, None
    if np.array_equal(start, end):
        raise InputError(
            f"--from={FLAGS['from'].value} --to={FLAGS.to}: give the same latent vectors, so there "
            "is no effect; give different settings"
        )
    return start, end


def main():
    """Intervenes on the layers of a checkpoint."""
    by = parse_by(FLAGS.by)
    check_flags(by)
    with cli.output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        plan = cli.measurement_plan(FLAGS)
        from wavegan_tf.probing import intervening, interventions_run
        from wavegan_tf.report import derived, intervention_summary, interventions
        from wavegan_tf.report.figures.interventions import draw_intervention_figures

        opened = cli.open_model(FLAGS)
        config = opened.config
        layers = choose_layers(FLAGS.layers, config)
        cells = make_cells(FLAGS.patch, FLAGS.maps, FLAGS.window_s, layers, config)
        start, end = choose_latents(config, by)
        generator = opened.networks.generator
        experiment = intervening.Experiment(generator, config, layers, start, by, end)
        scan_by = FLAGS.scan_by if by == "other" else "waveform"
        request = interventions_run.Request(
            cells=cells,
            scan=scan_by if SCAN in FLAGS.patch else None,
            keep_audio=FLAGS.audio,
            num_processes=cli.num_processes(FLAGS),
        )
        record = cli.run_record(FLAGS)
        record["statistics"] = dataclasses.asdict(StatisticsSettings())
        record["from"], record["to"] = FLAGS["from"].value, FLAGS.to
        interventions_run.write_run(directory, opened, experiment, request, plan, record, progress)
        interventions.write_tables(directory)
        if FLAGS.figures:
            draw_intervention_figures(directory)
        intervention_summary.write_summary(directory)
        print(intervention_summary.table_text(directory))
        complaints = derived.complaints(directory)
    cli.finish(FLAGS.out_dir, complaints)


if __name__ == "__main__":
    flags.adopt_module_key_flags(cli)
    cli.run(main)
