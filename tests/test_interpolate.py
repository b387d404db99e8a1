"""interpolate.py as a user runs it, and what it finds of causes that are known by construction."""

import dataclasses
import json
import shutil

import conftest
import numpy as np
import planted
import pytest
from test_probe import CIWGAN, read_rows, same_tree

from wavegan_tf.analysis.annotation import AnnotationSettings
from wavegan_tf.analysis.causes import changes
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.analysis.settings import AcousticSettings
from wavegan_tf.latents import sample_latents
from wavegan_tf.probing import reference, run, sources
from wavegan_tf.report import steps
from wavegan_tf.report.tables import (
    read_csv,
    read_json,
    read_npz,
    write_csv,
    write_json,
    write_npz,
)
from wavegan_tf.sweeps import cell_names, grid_latents, parse_sweeps

SMALL = ["--model=ciwgan", "--jobs=1", "--layers=conv4", "--nofigures", "--noaudio"]
SMALL += conftest.SHORT_WINDOWS
N_BASES, N_REFERENCE = 5, 32


def interpolate(run_script, out_dir, *flags):
    result = run_script(
        "interpolate.py", "--ckpt", CIWGAN, *SMALL, *flags, "--out_dir", out_dir
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result


def test_a_grid_is_generated_measured_and_judged(run_script, tmp_path):
    flags = ["--vary=z11=-5,5", "--vary=c2=0,2", "--set=c1=1", "--n=2", "--reference_outputs=20"]
    out = tmp_path / "out"
    result = interpolate(run_script, out, *flags)
    assert {path.name for path in out.iterdir()} == {
        "bands.csv", "changes.npz", "config.json", "correlations.csv", "durations.csv",
        "effects.csv", "interactions.csv", "intervals.csv", "latents.csv", "levels.csv",
        "measurements.csv", "outputs.csv", "reference.npz", "report.html", "responses.csv",
        "series.npz", "spikes.csv", "steps.csv",
    }  # fmt: skip
    config = read_json(out / "config.json")
    assert config["vary"] == [
        {"name": "z11", "values": [-5.0, 5.0]}, {"name": "c2", "values": [0.0, 2.0]},
    ]  # fmt: skip
    assert (config["n_bases"], config["between"], config["n"]) == (2, None, 8)
    rows = read_csv(out / "steps.csv")
    expected = [(b, z, c) for b in (0, 1) for z in (-5, 5) for c in (0, 2)]
    assert [(row["base"], row["z11"], row["c2"]) for row in rows] == expected
    z = np.load(out / "series.npz")["z"]
    np.testing.assert_array_equal(z[:, [15, 1]], [row[1:] for row in expected])
    assert np.all(z[:, 0] == 1)
    for base in (z[:4], z[4:]):
        assert np.all(np.ptp(np.delete(base, [1, 15], axis=1), axis=0) == 0)
    outputs = read_rows(out / "outputs.csv")
    assert outputs[6]["condition"] == "z11=5,c2=0" and outputs[6]["pair"] == "1"
    for name in ("effects.csv", "interactions.csv"):
        assert {row["verdict"] for row in read_rows(out / name)} == {"too few"}
    assert "z11 from -5 to 5: 0 of 0 measures change" in result.stdout


def test_a_way_leads_from_one_code_to_another_with_z_frozen(run_script, tmp_path):
    flags = ["--from=c1=5", "--to=c2=5", "--steps=3", "--n=1", "--reference_outputs=0"]
    interpolate(run_script, tmp_path / "out", *flags)
    z = np.load(tmp_path / "out" / "series.npz")["z"]
    np.testing.assert_array_equal(z[:, :3], [[5, 0, 0], [2.5, 2.5, 0], [0, 5, 0]])
    assert np.all(np.ptp(z[:, 5:], axis=0) == 0)
    config = read_json(tmp_path / "out" / "config.json")
    assert config["vary"] == [{"name": "t", "values": [0.0, 0.5, 1.0]}]
    assert config["between"] == "linear"
    levels = read_csv(tmp_path / "out" / "levels.csv")
    assert all(np.isnan(row["value"]) for row in levels if row["measure"] == "distance")
    assert not (tmp_path / "out" / "reference.npz").exists()


REFUSED = [
    ([], ["nothing moves", "--vary=", "--between="]),
    (["--vary=z11=5:0:1"], ["z11=5:0:-1"]),
    (["--vary=z1=0,1", "--set=z1=3"], ["--set and --vary both name z1"]),
    (["--vary=z1=0,1", "--vary=z1=2,3"], ["z1 is varied twice"]),
    (["--vary=z1=0:99:1", "--vary=z2=0:99:1", "--n=2"], ["2 x 100 x 100 = 20000 outputs"]),
    (["--vary=z1=0,1", "--between=linear"], ["--vary and --between"]),
    (["--vary=z1=0,1", "--steps=5"], ["--vary and --steps"]),
    (["--vary=z1=0,1", "--from=c1=1", "--to=c2=1"], ["--vary and --from"]),
    (["--from=c1=5"], ["--from: a way has two ends"]),
    (["--to=c1=5"], ["--to: a way has two ends"]),
    (["--from=c9=5", "--to=c2=5"], ["c9", "c1 .. c5"]),
    (["--from=c1=5", "--to=c1=5"], ["--from=c1=5 and --to=c1=5 are the same"]),
    (["--from=z1=5", "--to=z2=5", "--set=z2=1"], ["--set and --to both name z2"]),
    (["--between=linear", "--steps=1"], ["--steps=1"]),
    (["--between=linear", "--n=1000"], ["1000 x 11 = 11000 outputs"]),
    (["--vary=z1=0,1", "--latents=ODD", "--n=2"], ["leave out --n"]),
    (["--vary=z1=0,1", "--reference_outputs=5"], ["--reference_outputs=5", "at least 20"]),
]
ASK = """
import json
from absl import flags
from absl.testing import flagsaver
import interpolate
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig

for words in json.loads(CASES):
    with flagsaver.flagsaver():
        flags.FLAGS(["interpolate.py", "--ckpt=none", *words])
        try:
            interpolate.check_flags()
            interpolate.choose_steps(ModelConfig(model="ciwgan", num_categ=5))
        except InputError as error:
            print(error)
        else:
            print("accepted")
"""


def test_flags_that_make_no_sense_are_refused(run_script, tmp_path):
    script = tmp_path / "ask.py"
    cases = json.dumps([words for words, _ in REFUSED] + [["--between=spherical", "--n=2"]])
    script.write_text(f"CASES = {cases!r}\n{ASK}")
    result = run_script(str(script))
    assert result.returncode == 0, result.stderr
    *answers, last = result.stdout.splitlines()
    for answer, (flags, words) in zip(answers, REFUSED, strict=True):
        assert all(word in answer for word in words), f"{flags}: {answer}"
    assert last == "accepted"


def test_an_odd_number_of_vectors_has_no_pairs_and_nothing_is_left(run_script, tmp_path):
    np.save(tmp_path / "odd.npy", np.random.default_rng(0).uniform(-1, 1, [3, 100]))
    flags = [*SMALL, "--between=linear", "--latents", tmp_path / "odd.npy"]
    result = run_script(
        "interpolate.py", "--ckpt", CIWGAN, *flags, "--out_dir", tmp_path / "out"
    )  # fmt: skip
    conftest.assert_refused(result, "3 vectors", "even number")
    assert [path.name for path in tmp_path.iterdir()] == ["odd.npy"]


@pytest.fixture(scope="module")
def planted_run(tmp_path_factory):
    """A grid of z3, which causes a burst, and z40, which causes nothing."""
    directory = tmp_path_factory.mktemp("planted")
    opened = planted.opened()
    sweeps = parse_sweeps(["z3=-25,25", "z40=-25,25"], {}, opened.config)
    latents = grid_latents(sample_latents(opened.config, N_BASES, 1), {}, sweeps, opened.config)
    inputs = sources.Latents(latents, tuple(cell_names(sweeps)))
    request = run.Request("conv4", (0, len(latents)), 1, keep_audio=False)
    plan = {"acoustic": AcousticSettings(), "annotation": AnnotationSettings()}
    record = {
        "statistics": dataclasses.asdict(StatisticsSettings(n_resamples=500)),
        "vary": [{"name": sweep.name, "values": sweep.values} for sweep in sweeps],
        "n_bases": N_BASES,
    }
    run.write_run(directory, opened, inputs, request, plan, record, lambda items, total: items)
    reference.write_reference(directory, opened, "conv4", N_REFERENCE)
    steps.write_steps(directory)
    return directory


def of(rows, **wanted):
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_the_planted_burst_is_found_when_it_is(planted_run):
    spikes = of(read_csv(planted_run / "spikes.csv"), latent="z3")
    assert {row["layer"] for row in spikes} == {"conv4", "out"}
    for row in spikes:
        assert planted.NOISE_S[0] - 0.01 <= row["start_s"] < row["end_s"] <= 0.31
        assert row["n_bases"] == N_BASES
    for layer in ("conv4", "out"):
        assert sum(row["share"] for row in of(spikes, layer=layer)) > 0.9


def test_the_planted_burst_is_found_at_its_frequencies(planted_run):
    bands = of(read_csv(planted_run / "bands.csv"), latent="z3", layer="out")
    low_hz, high_hz = planted.NOISE_HZ
    within = [row for row in bands if row["high_hz"] > low_hz and row["low_hz"] < high_hz]
    assert sum(row["share"] for row in within) > 0.99
    assert all(row["lower"] > 60 for row in within)
    voice = [row for row in bands if 100 < row["low_hz"] and row["high_hz"] < 900]
    assert all(abs(row["change_db"]) < 0.1 for row in voice) and len(voice) > 5


def test_the_planted_cause_changes_what_it_should_and_the_idle_latent_nothing(planted_run):
    effects = read_csv(planted_run / "effects.csv")
    (frication,) = of(effects, latent="z3", measure="n_frication")
    assert [frication[name] for name in ("difference", "lower", "upper")] == [1, 1, 1]
    assert frication["p"] == 0.5 ** (N_BASES - 1)  # five equal differences: the sign test's
    assert of(effects, latent="z3", measure="rms", layer="out")[0]["verdict"] == "changes"
    (voiced,) = of(effects, latent="z3", layer="out", label="voiced", measure="duration")
    assert voiced["verdict"] == "no change shown"
    idle = of(effects, latent="z40")
    assert len(idle) == len(of(effects, latent="z3"))
    assert {row["difference"] for row in idle if not np.isnan(row["difference"])} == {0}
    assert {row["verdict"] for row in idle} == {"no change shown", "too few"}
    assert not of(read_csv(planted_run / "spikes.csv"), latent="z40")
    assert not read_npz(planted_run / "changes.npz")["z40/out"].any()
    interactions = read_csv(planted_run / "interactions.csv")
    assert {row["verdict"] for row in interactions} == {"no change shown", "too few"}


def test_the_share_of_bases_with_frication_follows_the_planted_cause(planted_run):
    rows = of(read_csv(planted_run / "responses.csv"), label="frication", measure="share")
    found = {(row["latent"], row["value"]): row["mean"] for row in rows}
    assert found == {("z3", -25): 0, ("z3", 25): 1, ("z40", -25): 0.5, ("z40", 25): 0.5}
    assert {row["n_bases"] for row in rows} == {N_BASES}
    assert all(row["lower"] <= row["mean"] <= row["upper"] for row in rows)


def test_distances_compare_with_outputs_as_in_training(planted_run):
    opened = planted.opened()
    z = sample_latents(opened.config, N_REFERENCE, reference.REFERENCE_SEED)
    out = opened.networks.generator(z)["out"].numpy()[:, :, 0]
    described = np.array([changes.features(x, changes.band_powers(x, 16000)) for x in out])
    known = read_npz(planted_run / "reference.npz")
    np.testing.assert_allclose(known["out/1/mean"], described.mean(axis=0), atol=0.2)
    assert np.median(known["out/1/distance"]) == pytest.approx(1)
    levels = of(read_csv(planted_run / "levels.csv"), measure="distance", layer="out")
    step = {row["id"]: row["z3"] for row in read_csv(planted_run / "steps.csv")}
    far = {row["id"]: row["value"] for row in levels}
    assert min(x for i, x in far.items() if step[i] > 0) > 2
    assert max(x for i, x in far.items() if step[i] < 0) < 2


def test_levels_are_those_of_series_npz(planted_run):
    series = np.load(planted_run / "series.npz")
    levels = read_csv(planted_run / "levels.csv")
    rms = [row["value"] for row in of(levels, layer="conv4", measure="rms")]
    np.testing.assert_allclose(rms, 10 * np.log10(np.var(series["conv4"].astype(float), axis=1)))
    rms = [row["value"] for row in of(levels, layer="out", measure="rms")]
    outputs = [row["rms_db"] for row in read_csv(planted_run / "outputs.csv")]
    np.testing.assert_allclose(rms, outputs, atol=1e-4)  # one definition in both tables
    assert not of(levels, layer="conv4", measure="saturation")
    change = read_npz(planted_run / "changes.npz")["z3/out"]
    grid = series["out"].reshape(N_BASES, 2, 2, -1)
    np.testing.assert_allclose(change, np.abs(grid[:, 1] - grid[:, 0]).mean(axis=(0, 1)), atol=1e-7)


def test_the_same_series_and_tables_give_the_same_files(planted_run, tmp_path):
    read = ("config.json", "series.npz", "outputs.csv", "intervals.csv", "reference.npz")
    for name in read:
        shutil.copy(planted_run / name, tmp_path)
    steps.write_steps(tmp_path)
    assert same_tree(planted_run, tmp_path) == {"latents.csv", "measurements.csv"}


def test_channels_are_told_apart_and_a_broken_base_is_left_out(planted_run, tmp_path):
    config = read_json(planted_run / "config.json")
    config["layers"] = config["layers"][-1:]
    write_json(tmp_path / "config.json", config)
    mono = np.load(planted_run / "series.npz")["out"]
    stereo = np.stack([mono, 0.5 * mono], axis=-1)
    stereo[5, 100] = np.nan  # the second base
    write_npz(tmp_path / "series.npz", {"out": stereo})
    rows = read_csv(planted_run / "outputs.csv")
    rows = [row | {"channel": channel} for row in rows for channel in (1, 2)]
    write_csv(tmp_path / "outputs.csv", rows[0], rows)
    steps.write_steps(tmp_path)
    levels = of(read_csv(tmp_path / "levels.csv"), measure="rms")
    one, two = ([row["value"] for row in of(levels, channel=k)] for k in (1, 2))
    np.testing.assert_allclose(np.subtract(one, two), np.where(np.isnan(one), np.nan, 6.0206), 1e-5)
    assert np.flatnonzero(np.isnan(one)).tolist() == [5]
    effects = of(read_csv(tmp_path / "effects.csv"), latent="z3", measure="rms")
    assert [row["channel"] for row in effects] == [1, 2]
    assert {row["n_bases"] for row in effects} == {N_BASES}  # one line of the broken base is whole
    assert {row["n_bases"] for row in read_csv(tmp_path / "spikes.csv")} == {N_BASES - 1}
    grid = np.delete(mono.reshape(N_BASES, 2, 2, -1), 1, axis=0)
    change = 0.75 * np.abs(grid[:, 1] - grid[:, 0]).mean(axis=(0, 1))
    np.testing.assert_allclose(read_npz(tmp_path / "changes.npz")["z3/out"], change, atol=1e-7)
