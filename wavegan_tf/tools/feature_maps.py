"""Shows what single feature maps of a layer do while one latent variable goes to its extremes.

  python -m wavegan_tf.tools.feature_maps --ckpt=train/digits --vary=z11=-15,15
  python -m wavegan_tf.tools.feature_maps --ckpt=train/digits --vary=z11=-15:15:5 --layer=conv3

Runs --n latent vectors at every value of --vary, averages each map over the outputs at the first
and last value, parts the maps into clusters by these profiles (Beguš & Zhou 2022, Fig. 11), says
which change least and most from the first value (cosine distance, Fig. 13), and which fire inside
voiced, fricative or silent intervals rather than outside. The README lists the files.
"""

import dataclasses
import functools
import os

from absl import flags

from wavegan_tf import cli
from wavegan_tf.analysis.annotation import AnnotationSettings
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.errors import InputError
from wavegan_tf.progress import progress

cli.define_checkpoint_flags()
cli.define_latent_flags(layers=False)
flags.DEFINE_string(
    "vary",
    "",
    "The variable and its values, two or more: z11=-15,15 or z11=-15:15:5; first and last are the "
    "extremes.",
)
flags.DEFINE_integer("n", 500, "Latent vectors, each at every value of --vary.")
flags.DEFINE_string("layer", "conv4", "The layer whose feature maps are followed.")
flags.DEFINE_integer("clusters", 2, "Groups of feature maps.")
flags.DEFINE_string(
    "rbf_gamma",
    "1e-10",
    "Coefficient of the kernel of the clusters; the paper's, under which they are those of the "
    "profiles' principal components; auto: 1 / median squared distance.",
)
flags.DEFINE_integer("cluster_seeds", 20, "Seeds that the clusters are computed with.", 2, 1000)
flags.DEFINE_integer(
    "num_stable", 4, "Maps to draw that change least, and most.", lower_bound=1, upper_bound=8
)
flags.DEFINE_bool("figures", True, "Draw figures.")
cli.define_annotation_flags()
cli.define_output_flags("feature_maps_out")

FLAGS = flags.FLAGS
STATISTICS = StatisticsSettings()
MAX_OUTPUTS = 100_000


def check_number(n_bases: int, n_values: int) -> None:
    """Refuses more outputs than :data:`MAX_OUTPUTS`.

    Raises:
        InputError: There are more.
    """
    if n_bases * n_values > MAX_OUTPUTS:
        raise InputError(
            f"--n={n_bases} --vary={FLAGS.vary}: {n_bases} x {n_values} = {n_bases * n_values} "
            f"outputs, over {MAX_OUTPUTS}; take fewer latent vectors or larger steps"
        )


def main():
    """Follows the feature maps of a layer."""
    from wavegan_tf.analysis.causes.map_clusters import check_clusters, parse_gamma

    if not FLAGS.vary:
        raise InputError("--vary: say what varies, for example --vary=z11=-15,15")
    if FLAGS.n < STATISTICS.min_outputs:
        raise InputError(
            f"--n={FLAGS.n}: intervals over latent vectors need at least {STATISTICS.min_outputs}; "
            "the paper has 500"
        )
    gamma = parse_gamma(FLAGS.rbf_gamma)
    with cli.output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        annotation = cli.read_settings(AnnotationSettings, FLAGS)
        from wavegan_tf import sweeps
        from wavegan_tf.latents import parse_settings, sample_latents
        from wavegan_tf.probing import mapping
        from wavegan_tf.report import tables

        opened = cli.open_model(FLAGS)
        config = opened.config
        settings = parse_settings(FLAGS.set, config)
        [sweep] = sweeps.parse_sweeps([FLAGS.vary], settings, config)
        check_number(FLAGS.n, len(sweep.values))
        layer = mapping.choose_layer(FLAGS.layer, config)
        check_clusters(FLAGS.clusters, layer.channels, layer.name)  # again of the live ones
        bases = sample_latents(config, FLAGS.n, FLAGS.seed)
        latents = sweeps.grid_latents(bases, settings, [sweep], config)
        record = cli.run_record(FLAGS) | mapping.describe(opened, layer, sweep, FLAGS.n, annotation)
        record["statistics"] = dataclasses.asdict(STATISTICS)
        shown = functools.partial(progress, label=f"following {layer.name}")
        activity = mapping.follow_maps(
            opened,
            layer,
            latents,
            len(sweep.values),
            annotation,
            cli.num_processes(FLAGS),
            shown,
        )
        tables.write_json(os.path.join(directory, "config.json"), record)
        mapping.write_outputs(directory, config, latents, sweep, activity)
        write_results(directory, layer, sweep, activity, gamma)
        from wavegan_tf.report.figures import feature_maps

        if FLAGS.figures:
            feature_maps.draw_feature_map_figures(directory)
        print(summarise(directory, FLAGS.num_stable))
    cli.finish(FLAGS.out_dir, [])


def write_results(directory: str, layer, sweep, activity, gamma: float | None) -> None:
    """Writes what follows of the activity: clusters, maps, distances, selectivity.

    Raises:
        InputError: The layer cannot be parted as asked.
    """
    import numpy as np

    from wavegan_tf.analysis.causes import feature_maps, map_clusters
    from wavegan_tf.report import tables

    live = activity.peaks > 0  # [maps]
    map_clusters.check_clusters(FLAGS.clusters, int(live.sum()), layer.name, "live maps")
    extremes = activity.profiles[[0, -1]].mean(axis=0)  # [maps, length]
    halves = activity.halves[:, [0, -1]].mean(axis=1)  # [2, maps, length]
    gamma = map_clusters.choose_gamma(extremes[live], gamma, layer.name)
    found, agreement = map_clusters.cluster_seeds(
        extremes[live], FLAGS.clusters, gamma, FLAGS.cluster_seeds
    )
    clusters = np.zeros(layer.channels, int)
    clusters[live] = found[0]

    def write(name, rows):
        tables.write_csv(os.path.join(directory, name), list(rows[0]), rows)

    sizes = range(1, FLAGS.clusters + 1)
    write("clusters.csv", [
        {"layer": layer.name, "seed": seed, "ari_first": float(agreement[0, seed])}
        | {f"maps_{k}": int((labels == k).sum()) for k in sizes}
        for seed, labels in enumerate(found)
    ])  # fmt: skip
    firm = map_clusters.describe_clusters(extremes[live], halves[:, live], found, agreement, gamma)
    write("agreement.csv", [{"layer": layer.name, "maps": layer.channels} | firm])
    of_run = (FLAGS.seed, STATISTICS)
    write("maps.csv", feature_maps.map_rows(
        layer.name, layer.rate_hz, extremes, activity.means, activity.distances, clusters, *of_run
    ))  # fmt: skip
    write("distances.csv", feature_maps.distance_rows(
        layer.name, sweep.values, activity.distances, *of_run
    ))  # fmt: skip
    write("selectivity.csv", feature_maps.selectivity_rows(
        layer.name, activity.firing, activity.shuffled, activity.n_outputs, live, *of_run
    ))  # fmt: skip
    averages = np.stack([activity.first_maps[:, clusters == k].mean(axis=1) for k in sizes], axis=1)
    arrays = {"out": activity.first_out, "clusters": averages, "maps": activity.first_maps}
    arrays = {name: np.asarray(x, np.float32) for name, x in arrays.items()}
    tables.write_npz(os.path.join(directory, "first_output.npz"), arrays)
    profiles = {"profiles": activity.profiles, "extremes": extremes, "halves": halves}
    tables.write_npz(os.path.join(directory, "profiles.npz"), profiles)


def summarise(directory: str, count: int) -> str:
    """What the terminal shows, from the tables.

    Args:
        directory: Of the run.
        count: Maps to name of a kind, at most.
    """
    from wavegan_tf.report import tables

    rows = {
        name: tables.read_csv(os.path.join(directory, f"{name}.csv"))
        for name in ("agreement", "clusters", "maps", "selectivity", "steps")
    }
    firm, maps, first = rows["agreement"][0], rows["maps"], rows["clusters"][0]
    dead = [str(row["map"]) for row in maps if row["dead"]]
    sizes = [str(first[f"maps_{k}"]) for k in range(1, firm["clusters"] + 1)]
    changed = sum(row["verdict"] == "changes" for row in maps)
    lines = [
        f"{firm['layer']}: {firm['live']} live maps, {len(dead)} dead"
        + (f" ({', '.join(dead)})" if dead else ""),
        f"clusters of {', '.join(sizes)} maps; adjusted Rand index over {firm['seeds']} seeds: "
        f"mean {firm['ari_seeds']:.3f}, least {firm['ari_seeds_least']:.3f}; of the two halves of "
        f"the outputs: {firm['ari_halves']:.3f}; silhouette {firm['silhouette']:.2f}",
        f"mean activation changes in {changed} of {firm['live']} maps (Holm, p < 0.05)",
    ]
    known = sorted(
        (row for row in maps if row["distance"] == row["distance"]), key=lambda r: r["distance"]
    )
    for name, some in (("least", known[:count]), ("most", known[::-1][:count])):
        listed = ", ".join(f"{row['map']} ({row['distance']:.3f})" for row in some)
        lines.append(f"course changes {name} (cosine distance): {listed}")
    for label in dict.fromkeys(row["label"] for row in rows["selectivity"]):
        here = [row for row in rows["selectivity"] if row["label"] == label]
        with_label = [row[f"n_{label}"] > 0 for row in rows["steps"]]
        bases = len({row["base"] for row in rows["steps"] if row[f"n_{label}"] > 0})
        lines.append(f"{label}: {_preferences(here, count)}")
        if any(row["verdict"] == "too few" for row in here):
            lines[-1] += (
                f" (in {sum(with_label)} of {len(with_label)} outputs, of {bases} latent vectors; "
                f"{STATISTICS.min_outputs} are needed)"
            )
    return "\n".join(lines)


def _preferences(rows, count):
    """How the maps of a layer stand to intervals of one label."""
    named = []
    for verdict in ("prefers", "avoids", "by time", "no preference shown", "too few"):
        some = sorted((r for r in rows if r["verdict"] == verdict), key=lambda r: -abs(r["index"]))
        text = f"{len(some)} {verdict}"
        if verdict in ("prefers", "avoids") and some:
            listed = ", ".join(f"{r['map']} ({r['index']:.2f})" for r in some[:count])
            text += f": {listed}" + (", .." if len(some) > count else "")
        named += [text] if some else []
    return "; ".join(named)


if __name__ == "__main__":
    flags.adopt_module_key_flags(cli)
    cli.run(main)
