"""What interpolate generates, and what it finds of causes that are known by construction."""

import conftest
import numpy as np
import planted
import pytest

from wavegan_tf.errors import InputError
from wavegan_tf.experiments import interpolate
from wavegan_tf.experiments.front import experiment_options
from wavegan_tf.experiments.result import load_run
from wavegan_tf.latents import sample_latents
from wavegan_tf.model import Model, load
from wavegan_tf.stats import changes
from wavegan_tf.stats.resampling import StatisticsSettings

N_BASES, N_REFERENCE = 5, 32


def options(**given):
    return experiment_options(interpolate, given, {})


@pytest.fixture(scope="module")
def model(reference):
    return load(reference / "checkpoints" / "ciwgan", model="ciwgan")


def steps(model, **given):
    chosen = options(**given)
    return interpolate.choose_steps(model, chosen, interpolate.choose_ends(model, chosen))


def test_a_grid_varies_two_variables_of_each_base_and_nothing_else(model):
    design, varied = steps(model, vary=("z11=-5,5", "c2=0,2"), set="c1=1", n=2)
    assert [(sweep.name, sweep.values) for sweep in varied] == [("z11", (-5, 5)), ("c2", (0, 2))]
    expected = [(b, z, c) for b in (0, 1) for z in (-5, 5) for c in (0, 2)]
    table = design.table[["base", "z11", "c2"]]
    assert list(table.itertuples(index=False, name=None)) == expected
    np.testing.assert_array_equal(design.z[:, [15, 1]], [row[1:] for row in expected])
    assert np.all(design.z[:, 0] == 1)
    frozen = np.delete(design.z, [1, 15], axis=1).reshape(2, 4, -1)
    assert np.all(np.ptp(frozen, axis=1) == 0) and np.ptp(frozen, axis=0).any()


def test_a_way_leads_from_one_code_to_another_with_z_frozen(model):
    design, _ = steps(model, **{"from": "c1=5", "to": "c2=5"}, steps=3, n=1)
    np.testing.assert_array_equal(design.z[:, :3], [[5, 0, 0], [2.5, 2.5, 0], [0, 5, 0]])
    assert np.all(np.ptp(design.z[:, 5:], axis=0) == 0)
    assert design.table["t"].tolist() == [0, 0.5, 1]


def test_a_way_between_vectors_leads_from_each_odd_one_to_the_next(model, tmp_path):
    vectors = np.random.default_rng(0).uniform(-1, 1, [4, 100]).astype(np.float32)
    given = {"between": "spherical", "latents": str(tmp_path / "z.npy"), "steps": 4}
    np.save(tmp_path / "z.npy", vectors)
    design, _ = steps(model, **given)
    np.testing.assert_array_equal(design.z[[0, 3, 4, 7]], vectors)
    assert design.table["base"].tolist() == [0] * 4 + [1] * 4
    norms = np.linalg.norm(design.z[:4, 5:], axis=1)
    np.testing.assert_allclose(norms, np.linspace(norms[0], norms[-1], 4), rtol=1e-6)
    np.save(tmp_path / "z.npy", vectors[:3])
    with pytest.raises(InputError, match="3 vectors.* even number"):
        steps(model, **given)


def test_the_model_goes_its_own_way_unless_another_is_given(model):
    ends = {"from": "z1=0", "to": "z1=1"}
    own = Model(planted.opened()._replace(measuring={"interpolate": ends}))
    assert interpolate.choose_ends(own, options(steps=5)) == ("z1=0", "z1=1")
    for given in ({"vary": "z1=0,1"}, {"between": "linear"}):
        assert interpolate.choose_ends(own, options(**given)) is None
    with pytest.raises(InputError, match="nothing moves: give --vary=.*--between="):
        interpolate.choose_ends(model, options())


@pytest.mark.parametrize(
    "given, words",
    [
        ({"vary": "z1=0,1", "set": "z1=3"}, "--set and --vary both name z1"),
        ({"vary": ("z1=0:99:1", "z2=0:99:1"), "n": 2}, "2 x 100 x 100 = 20000 outputs"),
        ({"vary": "z1=0,1", "between": "linear"}, "--vary and --between"),
        ({"vary": "z1=0,1", "steps": 5}, "--vary and --steps"),
        ({"vary": "z1=0,1", "from": "c1=1", "to": "c2=1"}, "--vary and --from"),
        ({"from": "c1=5"}, "--from: a way has two ends"),
        ({"to": "c1=5"}, "--to: a way has two ends"),
        ({"from": "z1=5", "to": "z2=5", "set": "z2=1"}, "--set and --to both name z2"),
        ({"between": "linear", "n": 1000}, "1000 x 11 = 11000 outputs"),
        ({"vary": "z1=0,1", "latents": "ODD", "n": 2}, "leave out --n"),
        ({"vary": "z1=0,1", "reference_outputs": 5}, "--reference_outputs=5.*at least 20"),
    ],
)
def test_options_that_make_no_sense_are_refused(model, given, words):
    with pytest.raises(InputError, match=words):
        steps(model, **given)


@pytest.fixture(scope="module")
def result():
    """A grid of z3, which causes a burst, and z40, which causes nothing."""
    given = {"vary": ("z3=-25,25", "z40=-25,25"), "n": N_BASES, "seed": 1, "n_resamples": 500}
    given |= {"layers": "conv4", "jobs": 1, "reference_outputs": N_REFERENCE}
    return interpolate.run(Model(planted.opened()), options(**given))


def of(table, **wanted):
    for name, value in wanted.items():
        table = table[table[name] == value]
    return table


def test_the_planted_burst_is_found_when_it_is_and_at_its_frequencies(result):
    spikes = result.tables["spikes"]
    assert set(spikes["latent"]) == {"z3"} and set(spikes["layer"]) == {"conv4", "out"}
    assert (spikes["start_s"] >= planted.NOISE_S[0] - 0.01).all() and (spikes["end_s"] < 0.31).all()
    assert (spikes["n"] == N_BASES).all()
    assert (spikes.groupby("layer")["share"].sum() > 0.9).all()
    assert not result.arrays["changes"]["z40/out"].any()
    bands = of(result.tables["bands"], latent="z3", layer="out")
    low_hz, high_hz = planted.NOISE_HZ
    within = bands[(bands["high_hz"] > low_hz) & (bands["low_hz"] < high_hz)]
    assert within["share"].sum() > 0.99 and (within["low"] > 60).all()
    voice = bands[(bands["low_hz"] > 100) & (bands["high_hz"] < 900)]
    assert (voice["estimate"].abs() < 0.1).all() and len(voice) > 5


def test_the_planted_cause_changes_what_it_should_and_the_idle_latent_nothing(result):
    effects = result.tables["effects"]
    ((_, frication),) = of(effects, latent="z3", measure="n_frication").iterrows()
    assert frication[["estimate", "low", "high"]].tolist() == [1, 1, 1]
    assert frication["p"] == 0.5 ** (N_BASES - 1)  # five equal differences: the sign test's
    rms = of(effects, latent="z3", measure="rms", layer="out")
    assert rms["verdict"].tolist() == ["changes"]
    voiced = of(effects, latent="z3", layer="out", label="voiced", measure="duration")
    assert voiced["verdict"].tolist() == ["no change shown"]
    idle = of(effects, latent="z40")
    assert len(idle) == len(of(effects, latent="z3"))
    assert set(idle["estimate"].dropna()) == {0}
    assert set(idle["verdict"]) == {"no change shown", "too few"}
    shares = of(result.tables["responses"], label="frication", measure="share")
    assert shares["latent"].tolist() == ["z3", "z3", "z40", "z40"]
    assert shares["estimate"].tolist() == [0, 1, 0.5, 0.5] and set(shares["n"]) == {N_BASES}
    assert set(result.tables["interactions"]["verdict"]) == {"no change shown", "too few"}


def test_distances_compare_with_outputs_as_in_training(result):
    model = planted.opened()
    z = sample_latents(model.config, N_REFERENCE, interpolate.REFERENCE_SEED)
    out = model.networks.generator(z)["out"].numpy()[:, :, 0]
    described = np.array([changes.features(x, changes.band_powers(x, 16000)) for x in out])
    known = result.arrays["reference"]
    np.testing.assert_allclose(known["out/1/mean"], described.mean(axis=0), atol=0.2)
    assert np.median(known["out/1/distance"]) == pytest.approx(1)
    far = of(result.tables["values"], measure="distance", layer="out")["value"].to_numpy()
    burst = result.tables["design"]["z3"].to_numpy() > 0
    assert far[burst].min() > 2 > far[~burst].max()


def test_levels_changes_and_power_are_those_of_the_series(result):
    series = {name: x.astype(float) for name, x in result.arrays["series"].items()}
    values = result.tables["values"]
    for name, x in series.items():
        rms = of(values, layer=name, measure="rms")["value"]
        np.testing.assert_allclose(rms, 10 * np.log10(np.var(x, axis=1)))
    assert set(of(values, measure="saturation")["layer"]) == {"out"}
    grid = series["out"].reshape(N_BASES, 2, 2, -1)
    change = np.abs(grid[:, 1] - grid[:, 0]).mean(axis=(0, 1))
    np.testing.assert_allclose(result.arrays["changes"]["z3/out"], change, atol=1e-7)
    power = np.mean(grid.reshape(N_BASES, 2, 2, 256, 64) ** 2, axis=(0, 2, 4))
    np.testing.assert_allclose(result.arrays["power"]["z3/out"][..., 0], power, rtol=1e-6)


def test_channels_are_told_apart_and_a_broken_base_is_left_out(result):
    mono = result.arrays["series"]["out"]
    stereo = np.stack([mono, 0.5 * mono], axis=-1)
    stereo[5, 100] = np.nan  # the second base
    layer = planted.opened().config.layers[-1]
    varied = [interpolate.Sweep(x["name"], x["values"]) for x in result.settings["vary"]]
    followed = interpolate.Followed([layer], "out", varied, N_BASES, {})
    for i, series in enumerate(stereo):
        followed.add(i, {"out": series})
    one, two = followed.values().xs("rms", level="measure").to_numpy()
    assert np.flatnonzero(np.isnan(one)).tolist() == [5]
    np.testing.assert_allclose(np.delete(one - two, 5), 20 * np.log10(2), rtol=1e-5)
    assert set(followed.tables(StatisticsSettings())["spikes"]["n"]) == {N_BASES - 1}
    grid = np.delete(mono.reshape(N_BASES, 2, 2, -1), 1, axis=0)
    change = 0.75 * np.abs(grid[:, 1] - grid[:, 0]).mean(axis=(0, 1))
    np.testing.assert_allclose(followed.changes()["z3/out"], change, atol=1e-7)


def test_summary_and_terminal_say_what_the_tables_hold(result):
    effects = result.tables["effects"]
    rows = interpolate.by_evidence(of(effects, latent="z3"))
    shown, few = ((rows["verdict"] == x).sum() for x in ("changes", "too few"))
    said = (
        f"z3 from −25 to 25: {shown} of {len(rows) - few} measures change (Holm, over all "
        f"measures of all layers), {few} have too few base vectors for a verdict (five or more)"
    )
    terminal, summary = result.terminal(), result.summary()
    assert terminal.startswith(f"{said}\n") and said in summary
    assert "z40 from −25 to 25: 0 of" in terminal and "z3 and z40 together: 0 of" in terminal
    assert summary.count("\n| z3 |") >= shown  # a row for each change, spike and band
    for title in ("What changes", "z3 and z40 together", "Where in time", "Where in frequency"):
        assert f"## {title}" in summary


def test_a_saved_run_tells_the_same(result, tmp_path):
    result.save(tmp_path, figures=False, page=False)
    loaded = load_run(tmp_path)
    assert set(loaded.tables) == set(result.tables)
    assert loaded.summary() == result.summary() and loaded.figures == result.figures


def test_the_command_writes_the_run(run_script, reference, tmp_path):
    checkpoint = reference / "checkpoints" / "ciwgan"
    flags = ["--ckpt", checkpoint, "--model=ciwgan", "--vary=z11=-5,5", "--n=1", "--layers=conv4"]
    flags += ["--reference_outputs=0", "--nofigures", "--noreport", "--noaudio", "--jobs=1"]
    out = tmp_path / "out"
    done = run_script("interpolate.py", *flags, *conftest.SHORT_WINDOWS, "--out_dir", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("z11 from −5 to 5: 0 of 0 measures change")
    assert {path.name for path in out.iterdir()} >= {"config.json", "series.npz", "summary.md"}
    loaded = load_run(out)
    assert loaded.settings["n_bases"] == 1 and "reference" not in loaded.arrays
    assert not (loaded.tables["values"]["measure"] == "distance").any()
