"""Latent vectors: layout, sampling, notation, files; the order of outputs; sweeps and ways."""

import re

import numpy as np
import pandas as pd
import pytest

from wavegan_tf.errors import InputError
from wavegan_tf.latents import (
    BETWEEN,
    Condition,
    Sweep,
    apply_settings,
    cells,
    cross,
    latent_index,
    latent_names,
    load_latents,
    parse_ends,
    parse_path,
    parse_settings,
    parse_sweeps,
    path_latents,
    sample_latents,
)  # fmt: skip
from wavegan_tf.models.config import ModelConfig

WAVEGAN = ModelConfig()
CIWGAN = ModelConfig(model="ciwgan", num_categ=5)
FIWGAN = ModelConfig(model="fiwgan", num_categ=3, latent_dim=10)


def test_latents_are_the_code_then_z_counted_from_one():
    config = ModelConfig(model="ciwgan", num_categ=2)
    assert latent_names(config)[:3] == ["c1", "c2", "z1"]
    assert [latent_index(name, config) for name in latent_names(config)] == list(range(100))
    assert latent_index("z11", WAVEGAN) == 10
    for name in ("c6", "z96", "z0", "z01", ""):
        with pytest.raises(InputError, match=r"c1 \.\. c5 and z1 \.\. z95"):
            latent_index(name, CIWGAN)


def test_ciwgan_codes_are_one_hot_and_equally_frequent():
    latents = sample_latents(CIWGAN, 5000, seed=1)
    code, z = latents[:, :5], latents[:, 5:]
    assert set(np.unique(code)) == {0, 1}
    assert np.all(code.sum(1) == 1)
    assert np.all(np.abs(code.mean(0) - 0.2) < 0.03)  # 5 standard errors
    assert -1 <= z.min() < -0.999 and 0.999 < z.max() <= 1
    assert abs(z.mean()) < 0.01


def test_fiwgan_codes_are_independent_fair_bits():
    code = sample_latents(FIWGAN, 8000, seed=1)[:, :3]
    counts = np.unique(code, axis=0, return_counts=True)[1]
    assert len(counts) == 8
    assert np.all(np.abs(counts - 1000) < 150)


def test_sampling_is_seeded_and_its_beginning_does_not_depend_on_n():
    many, few = sample_latents(CIWGAN, 50, seed=7), sample_latents(CIWGAN, 5, seed=7)
    np.testing.assert_array_equal(many[:5], few)
    assert not np.array_equal(few, sample_latents(CIWGAN, 5, seed=8))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("z1=1,z1=2", "--set=z1=1,z1=2: z1 is set twice"),
        ("z1=x", "--set=z1=x: 'x' is no finite number"),
        ("=1", "--set==1: expected NAME=VALUE"),
        ("c=110", "--set=c=110: the code of this ciwgan has 5 variables: give 5 digits"),
        ("c=1-101", "has 5 variables"),
        ("c=", "has 5 variables"),
        ("c=11000,c1=0", "--set=c=11000,c1=0: c1 is set twice"),
    ],
)
def test_wrong_settings_are_refused(text, words):
    with pytest.raises(InputError, match=re.escape(words)):
        parse_settings(text, CIWGAN)


def test_naming_a_code_variable_of_a_ciwgan_clears_the_sampled_code():
    base = sample_latents(CIWGAN, 4, seed=0)
    changed = apply_settings(base, {"c2": 5.0}, CIWGAN)
    np.testing.assert_array_equal(changed[:, :5], [[0, 5, 0, 0, 0]] * 4)
    np.testing.assert_array_equal(changed[:, 5:], base[:, 5:])
    assert base[:, :5].max() == 1  # the original is left alone


def test_other_settings_leave_every_other_variable():
    base = sample_latents(FIWGAN, 4, seed=0)
    changed = apply_settings(base, parse_settings("c2=5, z1=-3", FIWGAN), FIWGAN)
    assert np.all(changed[:, [1, 3]] == [5, -3])
    np.testing.assert_array_equal(np.delete(changed, [1, 3], 1), np.delete(base, [1, 3], 1))


def test_several_variables_of_a_code_are_set_by_their_digits():
    base = sample_latents(CIWGAN, 3, seed=0)
    changed = apply_settings(base, parse_settings("c=11001, z2=-5", CIWGAN), CIWGAN)
    np.testing.assert_array_equal(changed[:, :5], [[1, 1, 0, 0, 1]] * 3)
    np.testing.assert_array_equal(changed[:, [5, 7]], base[:, [5, 7]])
    assert (changed[:, 6] == -5).all()
    long = ModelConfig(model="fiwgan", num_categ=4, slice_len=32768)
    assert parse_settings("c = 5050", long) == {"c1": 5, "c2": 0, "c3": 5, "c4": 0}
    assert parse_ends("c=1100", "c=0011", {}, long)[1] == {"c1": 0, "c2": 0, "c3": 1, "c4": 1}
    with pytest.raises(InputError, match="--to=c=1: a wavegan has no code"):
        parse_settings("c=1", WAVEGAN, "--to")


def test_latents_are_read_from_npy_and_from_csv_in_any_order(tmp_path):
    latents, names = sample_latents(FIWGAN, 3, seed=0), latent_names(FIWGAN)
    np.save(tmp_path / "z.npy", latents)
    table = pd.DataFrame(latents.astype(float), columns=names)[names[::-1]]
    table.to_csv(tmp_path / "z.csv", index_label="id")
    np.savetxt(tmp_path / "bare.csv", latents, delimiter=",", fmt="%.9g")
    for name in ("z.npy", "z.csv", "bare.csv"):
        np.testing.assert_array_equal(load_latents(str(tmp_path / name), FIWGAN), latents)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("wide.npy", np.zeros([2, 11]), "shape [2, 11]"),
        ("none.npy", np.zeros([0, 10]), "no vectors"),
        ("nan.npy", np.full([1, 10], np.nan), "NaN"),
        ("ragged.csv", "1,2,3\n4,5\n", "row 2 has 2 of 3 columns"),
        ("words.csv", "c1,c2,c3,z1,z2,z3,z4,z5,z6,z7\n" + ",".join("abcdefghij"), "as numbers"),
        ("empty.csv", "", "cannot be read as numbers"),
        ("z.txt", "1", ".npy or .csv"),
        ("none.csv", None, "no such file"),
    ],
)
def test_bad_latent_file_is_refused(tmp_path, name, content, words):
    path = tmp_path / name
    if isinstance(content, str):
        path.write_text(content)
    elif content is not None:
        np.save(path, content)
    with pytest.raises(
        InputError, match=re.escape(f"--latents={path}: ") + ".*" + re.escape(words)
    ):
        load_latents(str(path), FIWGAN)


def test_the_outputs_of_one_base_stand_together_and_all_that_is_not_set_is_frozen():
    bases = sample_latents(CIWGAN, 3, seed=0)
    conditions = [
        Condition("c1=1", {"c1": 1.0}, {"value": 1.0}),
        Condition("c2=2,z1=-5", {"c2": 2.0, "z1": -5.0}, {"value": 2.0}),
    ]
    z, table = cross(bases, conditions, CIWGAN)
    assert z.shape == (6, 100) and z.dtype == np.float32
    assert table["base"].tolist() == [0, 0, 1, 1, 2, 2]
    assert table["condition"].tolist() == ["c1=1", "c2=2,z1=-5"] * 3
    assert table["value"].tolist() == [1.0, 2.0] * 3
    np.testing.assert_array_equal(z[::2], np.hstack([[[1, 0, 0, 0, 0]] * 3, bases[:, 5:]]))
    np.testing.assert_array_equal(z[1::2, 6:], bases[:, 6:])
    np.testing.assert_array_equal(z[1::2, :6], [[0, 2, 0, 0, 0, -5]] * 3)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("z11=-15:5:2", [-15, -13, -11, -9, -7, -5, -3, -1, 1, 3, 5]),
        ("c2=1.5:0:-0.125", [1.5 - 0.125 * i for i in range(13)]),
        ("z11=-15,0,15", [-15, 0, 15]),
        ("z1=0:0.3:0.1", [0, 0.1, 0.2, 0.3]),
    ],
)
def test_sweep_includes_both_ends(text, values):
    assert parse_sweeps([text], {}, CIWGAN) == [Sweep(text.split("=")[0], tuple(values))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("z11=-15:5:0", "step is 0"),
        ("z11=-15:5:-2", "z11=-15:5:2"),
        ("z11=-15:5:3", "end at 3 or 6"),
        ("z11=-15:5", "START:END:STEP"),
        ("z11=a:5:1", "--vary=z11=a:5:1: 'a' is no finite number"),
        ("z11=nan", "'nan' is no finite number"),
        ("z300=0:1:1", "--vary=z300=0:1:1: latent 'z300': this ciwgan has c1 .. c5"),
        ("z1=0:1:0.00001", "over 10000 steps"),
        ("z1=3", "--vary=z1=3: one value is not enough; give two or more, or --set=z1=3"),
        ("z1=0,5,0", "has a value twice"),
        ("z9=2,3", "--vary=z9=2,3: z9 is varied twice"),
        ("z8=0,1", "--set and --vary both name z8; leave it out of --set"),
    ],
)
def test_bad_sweep_is_refused(text, words):
    with pytest.raises(InputError, match=re.escape(words)):
        parse_sweeps(["z9=0,1", text], {"z8": 0.0}, CIWGAN)


def test_a_grid_has_every_combination_named_so_that_close_values_differ():
    grid = cells([Sweep("c2", (0, 1.0000001)), Sweep("z1", (-5, 1e5 + 0.25))], {"c1": 0.5})
    assert [cell.name for cell in grid] == [
        "c2=0,z1=-5", "c2=0,z1=100000.25", "c2=1.0000001,z1=-5", "c2=1.0000001,z1=100000.25",
    ]  # fmt: skip
    assert grid[2].settings == {"c1": 0.5, "c2": 1.0000001, "z1": -5}
    assert grid[2].about == {"c2": 1.0000001, "z1": -5}


def test_a_way_has_both_ends_and_equal_steps():
    assert parse_path(11) == Sweep("t", (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1))
    assert parse_path(2).values == (0, 1)
    for steps in (1, 10_001):
        with pytest.raises(InputError, match=f"--steps={steps}"):
            parse_path(steps)


def test_the_straight_way_is_numpys_linspace():
    vectors = sample_latents(CIWGAN, 4, seed=3)
    paths = path_latents(vectors[::2], vectors[1::2], parse_path(7), "linear", CIWGAN)
    expected = np.linspace(vectors[::2].astype(float), vectors[1::2].astype(float), 7, axis=1)
    np.testing.assert_allclose(paths, expected, atol=1e-7)
    np.testing.assert_array_equal(paths[:, [0, -1]].reshape(4, 100), vectors)


def test_the_way_on_the_sphere_turns_evenly_and_stays_in_the_plane_of_both_vectors():
    start, end = sample_latents(CIWGAN, 2, seed=3)
    end[5:] *= 3
    rows = path_latents(start[None], end[None], parse_path(9), "spherical", CIWGAN)[0]
    np.testing.assert_array_equal(rows[[0, -1]], [start, end])
    code, z = rows[:, :5], rows[:, 5:].astype(float)
    np.testing.assert_allclose(code, np.linspace(start[:5], end[:5], 9), atol=1e-7)
    norms = np.linalg.norm(z, axis=1)
    np.testing.assert_allclose(norms, np.linspace(norms[0], norms[-1], 9), rtol=1e-6)
    units = z / norms[:, None]
    turns = np.arccos((units[1:] * units[:-1]).sum(axis=1))
    np.testing.assert_allclose(turns, np.arccos(units[0] @ units[-1]) / 8, rtol=1e-5)
    assert np.linalg.matrix_rank(units, tol=1e-5) == 2


def test_where_no_circle_is_needed_the_way_on_the_sphere_is_straight():
    base = sample_latents(CIWGAN, 1, seed=0)
    other_code, zero, longer = base.copy(), base.copy(), base.copy()
    other_code[:, :5] = [0, 5, 0, 0, 0]
    zero[:, 5:] = 0
    longer[:, 5:] *= 3
    for ends in ((base, other_code), (base, longer), (zero, base), (base, zero)):
        straight, round_ = (path_latents(*ends, parse_path(5), x, CIWGAN) for x in BETWEEN)
        np.testing.assert_allclose(round_, straight, atol=1e-6)


def test_ways_that_lead_nowhere_are_refused():
    base = sample_latents(WAVEGAN, 1, seed=0)
    with pytest.raises(InputError, match="opposite directions.*--between=linear"):
        path_latents(base, -2 * base, parse_path(3), "spherical", WAVEGAN)
    with pytest.raises(InputError, match="pair 0: both vectors are the same"):
        path_latents(base, base, parse_path(3), "linear", WAVEGAN)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ("", "--to: is empty"),
        ("z1=3", "--set and --to both name z1"),
        ("c1=1,c2=0", "--from=c1=1 and --to=c1=1,c2=0 are the same"),
    ],
)
def test_a_bad_end_of_a_way_is_refused(last, words):
    with pytest.raises(InputError, match=re.escape(words)):
        parse_ends("c1=1", last, {"z1": 2.0}, CIWGAN)
