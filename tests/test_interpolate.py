"""What interpolate generates, and what it finds of causes that are known by construction."""

import copy

import conftest
import numpy as np
import pandas as pd
import planted
import pytest
import tensorflow as tf

from wavegan_tf.errors import InputError
from wavegan_tf.experiments import interpolate
from wavegan_tf.experiments.followed import Followed
from wavegan_tf.experiments.front import experiment_options
from wavegan_tf.experiments.listen import REFERENCE_SEED
from wavegan_tf.experiments.result import load_run
from wavegan_tf.latents import latent_index, sample_latents
from wavegan_tf.model import Model, load
from wavegan_tf.stats import changes, sweeps
from wavegan_tf.stats.resampling import StatisticsSettings

N_BASES, N_REFERENCE = 5, 32


def options(**given):
    return experiment_options(interpolate, given, {})


@pytest.fixture(scope="module")
def model(reference):
    return load(reference / "checkpoints" / "ciwgan", model="ciwgan")


def moves_of(model, **given):
    return interpolate.Moves(model, options(**given))


def steps(model, **given):
    moves = moves_of(model, **given)
    return moves.design(), moves.sweeps


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
    assert moves_of(own, steps=5).ends == ("z1=0", "z1=1")
    for given in ({"vary": "z1=0,1"}, {"between": "linear"}):
        assert moves_of(own, **given).ends is None
    with pytest.raises(InputError, match="nothing moves: give --vary=.*--between="):
        moves_of(model)


@pytest.mark.parametrize(
    "given, words",
    [
        ({"vary": "z1=0,1", "set": "z1=3"}, "--set and --vary both name z1"),
        ({"vary": ("z1=0:99:1", "z2=0:99:1"), "n": 2}, "2 x 100 x 100 = 20000 outputs"),
        ({"vary": "z1=0,1", "between": "linear"}, "--vary and --between"),
        ({"vary": "z1=0,1", "steps": 5}, "--vary and --steps"),
        ({"vary": "z1=0,1", "from": "c1=1", "to": "c2=1"}, "--vary and --from"),
        ({"from": "c1=5"}, "--from: a path has two ends"),
        ({"to": "c1=5"}, "--to: a path has two ends"),
        ({"from": "z1=5", "to": "z2=5", "set": "z2=1"}, "--set and --to both name z2"),
        ({"between": "linear", "n": 1000}, "1000 x 11 = 11000 outputs"),
        ({"vary": "z1=0,1", "latents": "ODD", "n": 2}, "leave out --n"),
        ({"vary": "z1=0,1", "reference_outputs": 5}, "--reference_outputs=5.*at least 20"),
        ({"vary": "z1=0,1", "hold_intervals": True, "annotations": "."}, "leave out one"),
    ],
)
def test_options_that_make_no_sense_are_refused(model, given, words):
    with pytest.raises(InputError, match=words):
        steps(model, **given)


@pytest.fixture(scope="module")
def result():
    """A grid of z3, which causes a burst, and z40, which causes nothing."""
    given = {"vary": ("z3=-25,25", "z40=-25,25"), "n": N_BASES, "seed": 1, "n_resamples": 500}
    given |= {"layers": "conv4", "jobs": 1, "reference_outputs": N_REFERENCE, "controls": 0}
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
    assert np.isnan(frication["p"])  # a test of signs needs fifteen
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
    z = sample_latents(model.config, N_REFERENCE, REFERENCE_SEED)
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
    followed = Followed([layer], "out", varied, N_BASES, {})
    for i, series in enumerate(stereo):
        followed.add(i, {"out": series})
    one, two = followed.values().xs("rms", level="measure").to_numpy()
    assert np.flatnonzero(np.isnan(one)).tolist() == [5]
    np.testing.assert_allclose(np.delete(one - two, 5), 20 * np.log10(2), rtol=1e-5)
    assert set(followed.tables(StatisticsSettings())["spikes"]["n"]) == {N_BASES - 1}
    grid = np.delete(mono.reshape(N_BASES, 2, 2, -1), 1, axis=0)
    change = 0.75 * np.abs(grid[:, 1] - grid[:, 0]).mean(axis=(0, 1))
    np.testing.assert_allclose(followed.changes()["z3/out"], change, atol=1e-7)


def test_the_summary_says_whose_intervals_are_by_hand(result):
    outputs = result.tables["outputs"]
    outputs = outputs.assign(annotated=outputs["output"] == 1)
    some = copy.copy(result)
    some.tables = result.tables | {"outputs": outputs}
    assert "outputs have intervals from --annotations (1), the others found ones." in some.summary()
    assert "--annotations" not in result.summary()


def test_summary_and_terminal_say_what_the_tables_hold(result):
    effects = result.tables["effects"]
    rows = of(effects, latent="z3").query("n > 0")  # others have no value
    shown, not_shown, few = (
        (rows["verdict"] == x).sum() for x in ("changes", "no change shown", "too few")
    )
    terminal, summary = result.terminal(), result.summary()
    first = (
        f"z3 from −25 to 25: of {len(rows)} measures {shown} change, {not_shown} are not shown to "
        f"change, {few} have too few base vectors."
    )
    assert terminal.splitlines()[0] == first and f"\n\n- {first}\n- " in summary
    assert "controls" not in first + "".join(terminal.splitlines()[1])
    assert "There are no controls in a grid" in terminal
    assert "outside its training range, as these are here: z3, z40." in terminal
    assert "z40 from −25 to 25" in terminal and "z3 and z40 together" in terminal
    assert summary.count("\n| z3 |") >= shown  # a row for each change, spike and band
    for title in ("What changes", "z3 and z40 together", "Where in time", "Where in frequency"):
        assert f"## {title}" in summary
    missed = effects[effects["verdict"] == "no change shown"].sort_values("p").iloc[0]
    assert interpolate.NOT_SHOWN in terminal and interpolate.NOT_SHOWN in summary
    assert f"| {missed['latent']} | {missed['layer'].capitalize()} |" in summary
    assert "nan" not in summary


def test_what_changes_more_than_controls_is_listed_first_with_layers_in_order(result):
    made = of(result.tables["effects"], latent="z3").copy()
    made["p"] = np.linspace(0, 1, len(made))
    made["verdict"] = ["changes, as controls do", "changes, more than controls"] * (len(made) // 2)
    made["ends"] = made["measure"].isin(["rms", "f0"])
    rows = interpolate.by_evidence(made)
    assert rows["verdict"].is_monotonic_decreasing
    assert all(x["ends"].is_monotonic_decreasing for _, x in rows.groupby("verdict"))
    for _, found in rows.groupby(["verdict", "ends", "label", "measure"], sort=False):
        assert found.index.is_monotonic_increasing
        assert np.ptp(rows.index.get_indexer(found.index)) == len(found) - 1
    assert list(made["layer"].unique()) == ["conv4", "out"]


class Hum:
    """A Generator of hums too deep to be a voice: z3 sets their level, others do a little."""

    def __init__(self, config):
        self.config = config
        weights = np.random.default_rng(0).uniform(0.5, 1, config.latent_dim)
        weights[latent_index("z3", config)] = 20
        self.weights = weights[:, None].astype(np.float32)
        time_s = np.arange(config.slice_len, dtype=np.float32) / config.sample_rate
        self.hum = np.sin(2 * np.pi * 20 * time_s)

    def __call__(self, z):
        level = tf.exp(0.05 * tf.tanh(z @ self.weights / 20))
        chance = tf.sin(1e3 * tf.reduce_sum(z, axis=1, keepdims=True))  # of each output its own
        return {"out": (0.1 * level * (1 + 0.001 * chance) * self.hum)[:, :, tf.newaxis]}


def hums(**given):
    opened = planted.opened()
    networks = opened.networks._replace(generator=Hum(opened.config))
    given = {"layers": "out", "jobs": 1, "reference_outputs": 20, "n_resamples": 200} | given
    return interpolate.run(Model(opened._replace(networks=networks)), options(**given))


@pytest.fixture(scope="module")
def hummed():
    return hums(vary="z3=-1,0,1", n=N_BASES)


@pytest.fixture
def through_zero(hummed):
    """A run over -1, 0 and 1, whose effects a test may change."""
    own = copy.copy(hummed)
    own.tables = hummed.tables | {"effects": hummed.tables["effects"].copy()}
    return own


def test_a_cause_is_above_its_controls_and_a_variable_like_them_is_not(capsys):
    found = hums(vary="z3=-1,1", n=N_BASES)
    controls = found.settings["controls"]["latents"]
    assert len(set(controls)) == 20 and "z3" not in controls
    assert found.settings["controls"]["n"] == 2 * 20 * N_BASES
    assert "20 control variables, 200 outputs" in capsys.readouterr().err
    (rms,) = of(found.tables["effects"], measure="rms").to_dict("records")
    assert rms["verdict"] == "changes, more than controls"
    assert rms["n_controls_as_large"] == 0 and rms["excess_low"] > 0
    assert len(found.tables["outputs"]) == 2 * N_BASES == len(found.arrays["series"]["out"])
    more = (found.tables["effects"]["verdict"] == "changes, more than controls").sum()
    lead = found.summary().split("\n\n")[1]
    assert lead.startswith("- z3 from −1 to 1: of ") and f" {more} change more than cont" in lead
    assert f"The ends of {more} differ more than those of any control: " in lead
    assert "RMS level (dB) at Out" in lead
    for words in ("Controls: 20 other latent variables", "by chance", "(200 outputs)"):
        assert words.lower() in found.summary().lower()
    assert "training range" not in found.summary()
    (like,) = of(hums(vary="z40=-1,1", n=N_BASES).tables["effects"], measure="rms").to_dict(
        "records"
    )
    assert like["n_controls_as_large"] > 0
    assert like["verdict"] in ("changes, as controls do", "no change shown")


def test_a_row_tells_the_difference_that_changes_and_all_whose_ends_differ_come_first(through_zero):
    found = through_zero
    one = of(found.tables["effects"], measure="rms")
    effects = pd.concat([one] * 30, ignore_index=True)
    effects["measure"] = [f"m{k}" for k in range(30)]
    effects["verdict"], effects["p_holm"], effects["ends"] = sweeps.MORE, 1.0, False
    effects[["estimate", "from_middle_first", "from_middle_last"]] = 1.5, 2.5, 3.5
    effects[["from_middle_first_p_holm", "from_middle_last_p_holm"]] = 0.03, 0.02
    effects.loc[18:, ["p_holm", "ends"]] = 0.04, True
    effects.loc[29, "verdict"] = sweeps.NO_CHANGE
    found.tables["effects"] = effects
    terminal = found.terminal()
    lead = next(line for line in terminal.splitlines() if line.startswith("z3"))
    assert "of 30 measures 29 change more than controls, 1 is not shown to change." in lead
    assert "The ends of 11 differ more than those of any control: " in lead
    assert lead.endswith("; ...")
    rows = [line.split()[-5:] for line in terminal.splitlines() if line.startswith("Out ")]
    assert rows[:11] == [["last", "−", "first", "1.5", "0.040"]] * 11
    assert "18 more: table effects" in terminal  # ten or all whose ends differ
    effects.loc[18:28, ["p_holm", "ends"]] = 1.0, False
    terminal = found.terminal()
    assert "The ends of 0 differ more than those of any control." in terminal
    rows = [line.split()[-5:] for line in terminal.splitlines() if line.startswith("Out ")]
    assert rows[:10] == [["last", "−", "middle", "3.5", "0.020"]] * 10
    assert rows[10] == ["last", "−", "first", "1.5", "0.040"]  # not shown


def test_of_a_way_the_lead_says_that_its_ends_alone_are_compared(through_zero):
    found = hums(**{"from": "z3=-1", "to": "z3=1"}, n=1, steps=3, controls=1)
    effects = found.tables["effects"]
    assert effects["middle_value"].isna().all() and "Ends − middle" not in found.summary()
    assert f"- {interpolate.ABOUT_WAY}\n" in found.summary()
    assert interpolate.ABOUT_WAY in found.terminal()
    assert interpolate.ABOUT_WAY not in through_zero.summary()


def test_the_table_of_the_terminal_fits_100_columns(through_zero):
    found = through_zero
    effects = found.tables["effects"]
    effects["verdict"], effects["measure"], effects["unit"] = sweeps.MORE, "cog", "Hz"
    effects["label"], effects["layer"], effects["from_middle_first"] = "frication", "fc", 1.5
    effects["ends"] = False
    numbers = effects.select_dtypes(float)
    effects[numbers.columns] = numbers * 0 - 0.00123456
    lines = found.terminal().splitlines()
    start = lines.index("z3 from −1 to 1")
    assert all(len(line) <= 100 for line in lines[start : start + 3])
    assert "Frication: Centre of gravity (Hz)" in lines[start + 2]


def test_controls_are_moved_as_the_variable_on_the_same_bases(model):
    moves = moves_of(model, vary="c2=0:2:1", set="c1=0,z2=3", n=2, controls=3)
    names, why = moves.choose_controls()
    assert len(names) == 3 and not {"z2"} & set(names) and names[0].startswith("z") and not why
    z = moves.control_latents(names, [0, 2])
    assert z.shape == (2, 3, 2, 100)
    drawn = sample_latents(model.config, 2, 0)  # their code stays one of training
    drawn[:, 6] = 3  # z2 is set
    for k, name in enumerate(names):
        column = latent_index(name, model.config)
        np.testing.assert_array_equal(z[:, k, :, column], [[0, 2]] * 2)
        rest = np.delete(np.arange(100), column)
        np.testing.assert_array_equal(z[:, k][..., rest], np.stack([drawn[:, rest]] * 2, axis=1))


def test_beside_a_way_controls_go_as_far_about_zero(model):
    given = {"from": "c1=3", "to": "c2=4", "n": 2, "steps": 5, "controls": 200}
    moves = moves_of(model, **given)
    names, _ = moves.choose_controls()
    assert names == [f"z{k}" for k in range(1, 96)]  # all there are
    z = moves.control_latents(names, [0, 2, 4])
    np.testing.assert_allclose(z[:, 7, :, 5 + 7], [[-2.5, 0, 2.5]] * 2)
    first = moves.design().z[5]
    np.testing.assert_array_equal(np.delete(z[1, 7, 0], 12), np.delete(first, 12))


@pytest.mark.parametrize(
    "given, why",
    [
        ({"between": "linear"}, "whole"), ({"vary": "z1=0,1", "annotations": "."}, "annotations"),
        ({"vary": ("z1=0,1", "z2=0,1")}, "grid"), ({"vary": "z1=0,1", "controls": 0}, "none"),
    ],
)  # fmt: skip
def test_where_nothing_can_be_compared_there_are_no_controls(model, given, why):
    assert moves_of(model, **given).choose_controls() == ([], why)
    assert interpolate.BESIDE[why].startswith("There are no controls")


def test_the_formant_ceiling_is_that_of_the_controls_as_well(monkeypatch):
    ceilings = []
    measure = interpolate.measure_outputs

    def noted(outputs, plan, *given):
        ceilings.append(plan.praat.formant_ceiling_hz)
        return measure(outputs, plan, *given)

    monkeypatch.setattr(interpolate, "measure_outputs", noted)
    hums(vary="z3=-1,1", n=1, controls=1, formant_ceiling="4000")
    assert ceilings == [4000]


def test_held_intervals_are_those_of_the_middle_step():
    given = {"vary": "z3=-25,0,25", "n": 1, "layers": "out", "controls": 0, "jobs": 1}
    planted_model = Model(planted.opened())
    free, held = (
        interpolate.run(planted_model, options(hold_intervals=x, reference_outputs=0, **given))
        for x in (False, True)
    )
    place = ["label", "start_s", "end_s"]
    outputs = [
        [x[x["output"] == k] for k in range(3)]
        for x in (free.tables["intervals"], held.tables["intervals"])
    ]
    spans = [[x[place].drop_duplicates().to_numpy().tolist() for x in run] for run in outputs]
    assert spans[1] == [spans[0][1]] * 3 and spans[0][2] != spans[0][1]
    middle = [x[1][["measure", "value"]].reset_index(drop=True) for x in outputs]
    pd.testing.assert_frame_equal(*middle)
    measures = held.tables["effects"]["measure"]
    assert not measures.str.startswith("n_").any() and "duration" not in set(measures)
    assert "f0" in set(measures) and "middle step" in held.summary()
    assert held.settings["hold_intervals"] and not free.settings["hold_intervals"]


def test_controls_of_a_way_have_the_intervals_of_its_middle_though_its_ends_alone_are_made(capsys):
    given = {"from": "z3=-25", "to": "z3=25", "steps": 3, "n": 2, "layers": "out", "controls": 3}
    given |= {"jobs": 1, "reference_outputs": 0, "hold_intervals": True}
    found = interpolate.run(Model(planted.opened()), options(**given))
    assert "intervals of 6 middle steps" in capsys.readouterr().err  # of controls
    assert found.settings["controls"]["n"] == 2 * 3 * 2
    f0 = of(found.tables["effects"], measure="f0", layer="out")
    assert f0["n_controls"].tolist() == [0] and set(f0["n"]) == {2}  # two bases are too few


def test_the_scale_of_inner_layers_changes_nothing_at_all(reference):
    found = []
    for factors in ((1, 1, 1, 1, 1), (16, 4, 0.5, 64, 16)):
        scaled = load(reference / "checkpoints" / "ciwgan", model="ciwgan")
        before = 1.0
        for block, factor in zip(scaled.generator.blocks, (*factors, 1), strict=True):
            for x in block.trainable_variables:
                bias = len(x.shape) == 1
                x.assign(x * (factor if bias else factor / before))
            before = factor
        given = {"vary": "z11=-5,5", "n": 2, "controls": 1, "jobs": 1, "reference_outputs": 20}
        found.append(interpolate.run(scaled, options(voicing_floor_hz=200, **given)))
    one, other = found
    assert set(one.tables) == set(other.tables)
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name], check_exact=True)
    for name, series in one.arrays["series"].items():
        np.testing.assert_array_equal(series, other.arrays["series"][name])
    assert one.settings["scales"] != other.settings["scales"]


def test_a_saved_run_tells_the_same(result, tmp_path):
    result.save(tmp_path, figures=False, page=False)
    loaded = load_run(tmp_path)
    assert set(loaded.tables) == set(result.tables)
    assert loaded.summary() == result.summary() and loaded.figures == result.figures


def test_the_command_writes_the_run(run_script, reference, tmp_path):
    checkpoint = reference / "checkpoints" / "ciwgan"
    flags = ["--ckpt", checkpoint, "--model=ciwgan", "--vary=z11=-5,5", "--n=1", "--layers=conv4"]
    flags += [
        "--reference_outputs=0",
        "--controls=0",
        "--nofigures",
        "--noreport",
        "--noaudio",
        "--jobs=1",
    ]
    out = tmp_path / "out"
    done = run_script("interpolate.py", *flags, *conftest.SHORT_WINDOWS, "--out_dir", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("z11 from −5 to 5: of ")
    assert {path.name for path in out.iterdir()} >= {"config.json", "series.npz", "summary.md"}
    loaded = load_run(out)
    assert loaded.settings["n_bases"] == 1 and "reference" not in loaded.arrays
    assert not (loaded.tables["values"]["measure"] == "distance").any()
