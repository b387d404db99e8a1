import numpy as np
import pytest

from wavegan_tf.errors import InputError
from wavegan_tf.latents import (
    apply_settings,
    latent_index,
    latent_names,
    load_latents,
    parse_settings,
    sample_latents,
    with_conditions,
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


def test_conditions_of_one_latent_stand_together():
    latents = sample_latents(CIWGAN, 3, seed=0)
    both = with_conditions(latents, ["c1=1", "c2=2,z1=-5"], CIWGAN)
    num_codes = CIWGAN.num_categ
    assert both.shape == (6, CIWGAN.latent_dim)
    for i in range(3):
        first, second = both[2 * i], both[2 * i + 1]
        assert first[:num_codes].tolist() == [1] + [0] * (num_codes - 1)
        assert second[:num_codes].tolist() == [0, 2] + [0] * (num_codes - 2)
        np.testing.assert_array_equal(first[num_codes:], latents[i, num_codes:])
        assert second[num_codes] == -5
    with pytest.raises(InputError, match="--condition=c1: expected NAME=VALUE"):
        with_conditions(latents, ["c1"], CIWGAN)
    with pytest.raises(InputError, match="--condition=c1=1: given twice"):
        with_conditions(latents, ["c1=1", "c1=1"], CIWGAN)
