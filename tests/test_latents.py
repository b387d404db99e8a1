"""Latent vectors: layout, sampling, notation, files; the order of outputs; sweeps and ways."""

import numpy as np
import pytest

from wavegan_tf.errors import InputError
from wavegan_tf.latents import (
    Condition,
    Sweep,
    apply_settings,
    cell_names,
    check_number,
    cross,
    grid_latents,
    latent_index,
    latent_names,
    load_latents,
    parse_end,
    parse_ends,
    parse_path,
    parse_settings,
    parse_sweep,
    parse_sweeps,
    path_latents,
    plain,
    sample_latents,
)
from wavegan_tf.models.config import ModelConfig

WAVEGAN = ModelConfig()
CIWGAN = ModelConfig(model="ciwgan", num_categ=5)
FIWGAN = ModelConfig(model="fiwgan", num_categ=3, latent_dim=10)


def test_z1_follows_the_code():
    config = ModelConfig(model="ciwgan", num_categ=2)
    assert latent_index("z1", config) == 2
    assert latent_index("c2", config) == 1
    assert latent_index("z11", WAVEGAN) == 10
    assert latent_names(config)[:3] == ["c1", "c2", "z1"]
    assert [latent_index(name, config) for name in latent_names(config)] == list(range(100))


@pytest.mark.parametrize("name", ["c6", "z96", "z0", "c0", "x1", "z", "z01", "z-1", ""])
def test_unknown_variable_is_refused_with_those_there_are(name):
    with pytest.raises(InputError, match=r"c1 \.\. c5 and z1 \.\. z95"):
        latent_index(name, CIWGAN)


def test_ciwgan_codes_are_one_hot_and_equally_frequent():
    latents = sample_latents(CIWGAN, 5000, seed=1)
    code, z = latents[:, :5], latents[:, 5:]
    assert set(np.unique(code)) == {0, 1}
    assert np.all(code.sum(1) == 1)
    assert np.all(np.abs(code.mean(0) - 0.2) < 0.03)  # 5 standard errors
    assert z.shape == (5000, 95)
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


def test_settings_are_read_in_order_and_refused_when_wrong():
    assert parse_settings("c1=1, z11=-5", CIWGAN) == {"c1": 1.0, "z11": -5.0}
    assert parse_settings("", CIWGAN) == {}
    for text, words in [
        ("c6=1", "c1 .. c5"),
        ("c1=1,z300=1", "--set=c1=1,z300=1: latent 'z300': this ciwgan has"),
        ("z1=1,z1=2", "twice"),
        ("z1=x", "'x'"),
        ("=1", "NAME"),
    ]:
        with pytest.raises(InputError) as error:
            parse_settings(text, CIWGAN)
        assert words in str(error.value)


def test_naming_a_code_variable_of_a_ciwgan_clears_the_sampled_code():
    base = sample_latents(CIWGAN, 4, seed=0)
    changed = apply_settings(base, {"c2": 5.0}, CIWGAN)
    np.testing.assert_array_equal(changed[:, :5], [[0, 5, 0, 0, 0]] * 4)
    np.testing.assert_array_equal(changed[:, 5:], base[:, 5:])
    assert base[:, :5].max() == 1  # the original is left alone


def test_other_settings_leave_every_other_variable():
    base = sample_latents(FIWGAN, 4, seed=0)
    changed = apply_settings(base, {"c2": 5.0, "z1": -3.0}, FIWGAN)
    assert np.all(changed[:, [1, 3]] == [5, -3])
    np.testing.assert_array_equal(np.delete(changed, [1, 3], 1), np.delete(base, [1, 3], 1))


def test_latents_are_read_from_npy_and_from_csv_in_any_order(tmp_path):
    latents = sample_latents(FIWGAN, 3, seed=0)
    np.save(tmp_path / "z.npy", latents)
    np.save(tmp_path / "one.npy", latents[0])
    np.testing.assert_array_equal(load_latents(str(tmp_path / "z.npy"), FIWGAN), latents)
    np.testing.assert_array_equal(load_latents(str(tmp_path / "one.npy"), FIWGAN), latents[:1])
    names = latent_names(FIWGAN)
    lines = [",".join(["id", *names[::-1]])]
    lines += [
        ",".join([str(i), *map(repr, map(float, row[::-1]))]) for i, row in enumerate(latents)
    ]
    (tmp_path / "z.csv").write_text("\n".join(lines))
    np.testing.assert_array_equal(load_latents(str(tmp_path / "z.csv"), FIWGAN), latents)
    np.savetxt(tmp_path / "bare.csv", latents, delimiter=",", fmt="%.9g")
    np.testing.assert_array_equal(load_latents(str(tmp_path / "bare.csv"), FIWGAN), latents)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("wide.npy", np.zeros([2, 11]), "shape [2, 11]"),
        ("deep.npy", np.zeros([2, 10, 1]), "shape [2, 10, 1]"),
        ("none.npy", np.zeros([0, 10]), "no vectors"),
        ("nan.npy", np.full([1, 10], np.nan), "NaN"),
        ("wide.csv", "1,2,3\n4,5,6\n", "shape [2, 3]"),
        ("ragged.csv", "1,2,3\n4,5\n", "cannot be read as numbers"),
        ("names.csv", "id,c1,z1\n0,1,2\n", "2 columns"),
        ("short.csv", "c1,c2,c3,z1,z2,z3,z4,z5,z6,z7\n1,2\n", "row 2 has 2 columns"),
        ("words.csv", "c1,c2,c3,z1,z2,z3,z4,z5,z6,z7\n" + ",".join("abcdefghij"), "as numbers"),
        ("empty.csv", "", "cannot be read as numbers"),
        ("broken.npy", "not an array", "cannot be read as numbers"),
        ("z.txt", "1", ".npy or .csv"),
    ],
)
def test_bad_latent_file_is_refused(tmp_path, name, content, words):
    path = tmp_path / name
    if isinstance(content, str):
        path.write_text(content)
    else:
        np.save(path, content)
    with pytest.raises(InputError) as error:
        load_latents(str(path), FIWGAN)
    assert words in str(error.value) and str(path) in str(error.value)


def test_missing_latent_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_latents(str(tmp_path / "z.npy"), FIWGAN)


def test_the_outputs_of_one_base_stand_together():
    bases = sample_latents(CIWGAN, 3, seed=0)
    conditions = [
        Condition("c1=1", {"c1": 1.0}, {"value": 1.0}),
        Condition("c2=2,z1=-5", {"c2": 2.0, "z1": -5.0}, {"value": 2.0}),
    ]
    z, table = cross(bases, conditions, CIWGAN)
    assert z.shape == (6, 100) and z.dtype == np.float32
    assert table["output"].tolist() == list(range(6))
    assert table["base"].tolist() == [0, 0, 1, 1, 2, 2]
    assert table["condition"].tolist() == ["c1=1", "c2=2,z1=-5"] * 3
    assert table["value"].tolist() == [1.0, 2.0] * 3
    for i in range(3):
        first, second = z[2 * i], z[2 * i + 1]
        assert first[:5].tolist() == [1, 0, 0, 0, 0] and second[:5].tolist() == [0, 2, 0, 0, 0]
        np.testing.assert_array_equal(first[5:], bases[i, 5:])
        assert second[5] == -5


def test_without_conditions_every_vector_is_its_own_base():
    z, table = plain(sample_latents(FIWGAN, 2, seed=0))
    np.testing.assert_array_equal(z, sample_latents(FIWGAN, 2, seed=0))
    assert table["base"].tolist() == [0, 1] and table["condition"].tolist() == ["", ""]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("z11=-15:5:2", [-15, -13, -11, -9, -7, -5, -3, -1, 1, 3, 5]),
        ("c2=0:2:0.25", [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]),
        ("c2=1.5:0:-0.125", [1.5 - 0.125 * i for i in range(13)]),
        ("z11=-15,0,15", [-15, 0, 15]),
        ("z1=0:0.3:0.1", [0, 0.1, 0.2, 0.3]),
    ],
)
def test_sweep_includes_both_ends(text, values):
    sweep = parse_sweep(text, CIWGAN)
    assert sweep.name == text.split("=")[0]
    assert list(sweep.values) == values


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("z11=-15:5:0", "step is 0"),
        ("z11=-15:5:-2", "z11=-15:5:2"),
        ("z11=-15:5:3", "end at 3 or 6"),
        ("z11=-15:5", "START:END:STEP"),
        ("z11=a:5:1", "'a' is no finite number"),
        ("z11=1,,2", "'' is no finite number"),
        ("z11=nan", "'nan' is no finite number"),
        ("z11", "NAME=VALUE"),
        ("c6=0:1:1", "c1 .. c5"),
        ("z300=0:1:1", "--vary=z300=0:1:1: latent 'z300': this ciwgan has"),
        ("z1=0:1:0.00001", "over 10000 steps"),
        ("z1=3", "--vary=z1=3: one value is no sweep; give two or more, or --set=z1=3"),
        ("z1=3:3:1", "one value is no sweep"),
        ("z1=0,5,0", "has a value twice"),
    ],
)
def test_bad_sweep_is_refused(text, words):
    with pytest.raises(InputError) as error:
        parse_sweep(text, CIWGAN)
    assert words in str(error.value)


def test_a_grid_has_every_combination_of_every_base_and_freezes_all_else():
    bases = sample_latents(CIWGAN, 3, seed=0)
    sweeps = parse_sweeps(["c2=0:2:1", "z1=-5,5"], {"c1": 0.5}, CIWGAN)
    rows = grid_latents(bases, {"c1": 0.5}, sweeps, CIWGAN)
    names = cell_names(sweeps)
    assert names[:3] == ["c2=0,z1=-5", "c2=0,z1=5", "c2=1,z1=-5"]
    assert rows.shape == (3 * 6, 100) and rows.dtype == np.float32
    i = 0
    for base in bases:
        for c2 in (0, 1, 2):
            for z1 in (-5, 5):
                expected = base.copy()
                expected[:5] = [0.5, c2, 0, 0, 0]
                expected[5] = z1
                np.testing.assert_array_equal(rows[i], expected)
                i += 1


def test_names_of_cells_tell_close_values_apart():
    values = (1.0000001, 1.0000002, 100000.5, 100000.25)
    assert len(set(cell_names([Sweep("z1", values)]))) == 4


@pytest.mark.parametrize(
    ("texts", "settings", "words"),
    [
        (["z1=0,1", "z1=2,3"], {}, "--vary=z1=2,3: z1 is varied twice"),
        (["c2=0,1", "z1=0,1"], {"z1": 0.0}, "--set and --vary both name z1; leave it out of --set"),
        (["z1=0,1", "c9=0,1"], {}, "c1 .. c5"),
    ],
)
def test_a_grid_that_contradicts_itself_is_refused(texts, settings, words):
    with pytest.raises(InputError) as error:
        parse_sweeps(texts, settings, CIWGAN)
    assert words in str(error.value)


def test_more_outputs_than_can_be_held_are_refused_with_the_sum():
    sweeps = [parse_sweep(f"z{k}=1:100:1", WAVEGAN) for k in (1, 2)]
    assert check_number(1, sweeps) == 10_000
    with pytest.raises(InputError, match=r"2 x 100 x 100 = 20000 outputs .* over 10000"):
        check_number(2, sweeps)


def test_a_way_has_both_ends_and_equal_steps():
    assert parse_path(11) == Sweep("t", (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1))
    assert parse_path(2).values == (0, 1)
    for steps in (1, 0, -3, 10_001):
        with pytest.raises(InputError, match=f"--steps={steps}"):
            parse_path(steps)


def test_the_straight_way_is_numpys_linspace():
    vectors = sample_latents(CIWGAN, 4, seed=3)
    rows = path_latents(vectors[::2], vectors[1::2], parse_path(7), "linear", CIWGAN)
    expected = np.linspace(vectors[::2].astype(float), vectors[1::2].astype(float), 7, axis=1)
    np.testing.assert_allclose(rows, expected.reshape(14, 100), atol=1e-7)
    np.testing.assert_array_equal(rows[[0, 6, 7, 13]], vectors)


def test_the_way_on_the_sphere_turns_evenly_and_stays_in_the_plane_of_both_vectors():
    start, end = sample_latents(CIWGAN, 2, seed=3)
    end[5:] *= 3
    rows = path_latents(start[None], end[None], parse_path(9), "spherical", CIWGAN)
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
    base = sample_latents(WAVEGAN, 1, seed=0)
    path = parse_path(5)
    for start, end in ((base, 3 * base), (np.zeros_like(base), base), (base, np.zeros_like(base))):
        straight = path_latents(start, end, path, "linear", WAVEGAN)
        np.testing.assert_allclose(
            path_latents(start, end, path, "spherical", WAVEGAN), straight, atol=1e-6
        )


def test_a_way_of_codes_alone_leaves_z_on_the_sphere_too():
    start = sample_latents(CIWGAN, 1, seed=0)
    end = start.copy()
    start[:, :5], end[:, :5] = [5, 0, 0, 0, 0], [0, 5, 0, 0, 0]
    rows = path_latents(start, end, parse_path(3), "spherical", CIWGAN)
    np.testing.assert_array_equal(rows[1, :5], [2.5, 2.5, 0, 0, 0])
    np.testing.assert_allclose(rows[:, 5:], np.tile(start[:, 5:], (3, 1)), atol=1e-6)


def test_ways_that_lead_nowhere_are_refused():
    base = sample_latents(WAVEGAN, 1, seed=0)
    with pytest.raises(InputError, match="opposite directions.*--between=linear"):
        path_latents(base, -2 * base, parse_path(3), "spherical", WAVEGAN)
    with pytest.raises(InputError, match="pair 0: both vectors are the same"):
        path_latents(base, base, parse_path(3), "linear", WAVEGAN)


@pytest.mark.parametrize("last", ["c1=1", "c1=1.0", "c1=1,c2=0"])
def test_ends_that_give_the_same_vectors_are_refused_by_their_flags(last):
    with pytest.raises(InputError, match=f"--from=c1=1 and --to={last} are the same"):
        parse_ends("c1=1", last, {"z1": 2.0}, CIWGAN)
    assert parse_ends("c1=1", "c1=2", {}, CIWGAN) == [{"c1": 1}, {"c1": 2}]
    assert parse_ends("z1=0", "z2=0", {}, CIWGAN) == [{"z1": 0}, {"z2": 0}]


@pytest.mark.parametrize(
    ("text", "settings", "words"),
    [
        ("", {}, "--to: is empty"),
        ("c9=1", {}, "--to=c9=1: latent 'c9': this ciwgan has c1 .. c5"),
        ("c1", {}, "--to=c1: expected NAME=VALUE"),
        ("z1=3", {"z1": 1.0}, "--set and --to both name z1"),
    ],
)
def test_a_bad_end_of_a_way_is_refused(text, settings, words):
    assert parse_end("c1=5,z2=1", "--to", {"z1": 1.0}, CIWGAN) == {"c1": 5, "z2": 1}
    with pytest.raises(InputError) as error:
        parse_end(text, "--to", settings, CIWGAN)
    assert words in str(error.value)
