"""Joins the shards of a probe.py run: tables, series and sounds, then statistics and figures.

  python probe.py --ckpt=train/digits --n=1000 --shard=1/10 --out_dir=shards/1
  ..
  python -m wavegan_tf.tools.merge_shards --shards='shards/*' --out_dir=probed

The result is that of the same command without --shard, row for row. The shards stay as they are.
"""

import glob
import os
import shutil

from absl import flags

from wavegan_tf import cli
from wavegan_tf.errors import InputError
from wavegan_tf.report import derived, tables

flags.DEFINE_list("shards", None, "Output directories of the shards, or patterns of them.")
flags.DEFINE_bool("figures", True, "Draw figures; wavegan_tf.tools.figures draws them later.")
flags.DEFINE_integer("max_figures", 4, "Outputs to draw, from the first on.", lower_bound=0)
cli.define_report_flags()
cli.define_output_flags(None)
flags.mark_flags_as_required(["shards", "out_dir"])

FLAGS = flags.FLAGS


def main():
    """Joins shards."""
    shards = find_shards(FLAGS.shards)
    with cli.output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        join(shards, directory)
        cli.conclude(directory, FLAGS)
        complaints = derived.complaints(directory)
    cli.finish(FLAGS.out_dir, complaints)


def find_shards(patterns: list[str]) -> list[tuple[str, dict]]:
    """Directories and configurations of the shards, in order.

    Raises:
        InputError: One is no shard, they are of different runs, or one is missing.
    """
    paths = sorted({path for pattern in patterns for path in glob.glob(pattern)})
    given = ",".join(patterns)
    if not paths:
        raise InputError(f"--shards={given}: matches nothing; name the shards' output directories")
    shards = []
    for path in paths:
        file = os.path.join(path, "config.json")
        config = tables.read_json(file) if os.path.isfile(file) else {}
        if "outputs" not in config:
            raise InputError(f"--shards={given}: {path} is no run of probe.py")
        shards.append((path, config))
    shards.sort(key=lambda shard: shard[1]["outputs"])
    first_path, first_config = shards[0]
    end = 0
    for path, config in shards:
        other = [key for key in first_config if not _same(key, first_config[key], config.get(key))]
        if other:
            raise InputError(
                f"--shards={given}: {path} and {first_path} differ in {', '.join(other)}; give the "
                "shards of one run"
            )
        start, stop = config["outputs"]
        if start != end:
            kind = "missing" if start > end else "there twice"
            numbers = sorted((start, end))
            raise InputError(
                f"--shards={given}: outputs {numbers[0]} .. {numbers[1] - 1} are {kind}; give each "
                "shard once"
            )
        end = stop
    if end != first_config["n"]:
        raise InputError(
            f"--shards={given}: outputs {end} .. {first_config['n'] - 1} are missing; give each "
            "shard once"
        )
    return shards


def _same(key, mine, theirs):
    """Whether two shards agree in a part of their configuration, as far as they must."""
    if key == "flags":
        own = ("shard", "out_dir", "jobs", "overwrite")
        mine, theirs = ({k: v for k, v in x.items() if k not in own} for x in (mine, theirs))
    return key == "outputs" or mine == theirs


def join(shards: list[tuple[str, dict]], directory: str) -> None:
    """Writes the shards' files as one run."""
    config = shards[0][1] | {"outputs": [0, shards[0][1]["n"]]}
    config["flags"] = config["flags"] | {"shard": None}
    tables.write_json(os.path.join(directory, "config.json"), config)
    paths = [path for path, _ in shards]
    names = [name for name in sorted(os.listdir(paths[0])) if name.endswith(".csv")]
    if config["controls"]:
        os.makedirs(os.path.join(directory, "controls"))
        names += [f"controls/{name}" for name in os.listdir(os.path.join(paths[0], "controls"))]
    for name in names:
        with open(os.path.join(directory, name), "wb") as whole:
            for number, path in enumerate(paths):
                with open(os.path.join(path, name), "rb") as part:
                    header = part.readline()
                    whole.write(header if number == 0 else b"")
                    shutil.copyfileobj(part, whole, 1 << 20)
    for name in ("series.npz", "maps.npz"):
        parts = [os.path.join(path, name) for path in paths]
        tables.join_npz(
            [part for part in parts if os.path.isfile(part)], os.path.join(directory, name)
        )
    if os.path.isdir(os.path.join(paths[0], "audio")):
        os.makedirs(os.path.join(directory, "audio"))
        for path in paths:
            shutil.copytree(
                os.path.join(path, "audio"), os.path.join(directory, "audio"), dirs_exist_ok=True
            )


if __name__ == "__main__":
    flags.adopt_module_key_flags(cli)
    cli.run(main)
