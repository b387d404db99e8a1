"""Records what the PyTorch port computes, into tests/reference/torch; needs torch and its code.

  python tests/record_port.py --port=../ciwganfiwgan-pytorch

Networks of dim 1 with the weights that PyTorch draws from the first seed of which no layer is all
zeros, batch norm after three batches of noise. The tests read these files without torch.
"""

import argparse
import importlib
import sys
from pathlib import Path

import numpy as np
import torch

OUT = Path(__file__).parent / "reference" / "torch"
MODELS = {  # folder: names of files, length, codes, batch norm, how torch.save is called
    "ciwgan": ("epoch15_step150", 16384, 3, False, {}),
    "wavegan_batchnorm": ("epoch10_step100", 16384, 0, True, {}),
    "fiwgan_65536": ("epoch6_step60", 65536, 2, False, {"_use_new_zipfile_serialization": False}),
}


def record(port, name, stem, slice_len, codes, batchnorm, saving, seed=0):
    """Saves the networks of one model and their activations on z and x."""
    torch.manual_seed(seed)
    common = {"slice_len": slice_len, "dim": 1, "use_batchnorm": batchnorm}
    nets = {"G": port.WaveGANGenerator(**common)}
    nets["D"] = port.WaveGANDiscriminator(**common, phaseshuffle_rad=0)
    if codes:
        nets["Q"] = port.WaveGANQNetwork(codes, **common)
    z = 2 * torch.rand(1 if slice_len > 16384 else 2, 100) - 1
    x = 0.3 * torch.randn(len(z), 1, slice_len)
    expected = {"z": z.numpy(), "x": x.permute(0, 2, 1).numpy()}
    (OUT / name).mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        for letter, net in nets.items():
            for _ in range(3 * batchnorm):
                net(torch.randn(8, *(z if letter == "G" else x).shape[1:]))
            net.eval()
            for layer, module in net.named_children():
                if "conv" in layer:

                    def keep(_module, _inputs, y, key=f"{letter}_{layer}"):
                        expected[key] = y.permute(0, 2, 1).numpy()

                    module.register_forward_hook(keep)
            y = net(z if letter == "G" else x)
            if letter != "G":
                expected[f"{letter}_logits"] = y.numpy()
            state = net.state_dict()
            if saving:
                state = {f"module.{key}": tensor for key, tensor in state.items()}
            torch.save(state, OUT / name / f"{stem}_{letter}.pt", **saving)
        if not all(x.any() for x in expected.values()):
            return record(port, name, stem, slice_len, codes, batchnorm, saving, seed + 1)
        np.savez_compressed(OUT / name / "expected.npz", **expected)
        if name == "ciwgan":  # as the port was before April 2025
            old = {}
            for letter, slope in (("D", 2.0), ("Q", 0.0)):
                for module in nets[letter].modules():
                    if hasattr(module, "alpha"):
                        module.alpha = slope
                old[f"{letter}_logits"] = nets[letter](x).numpy()
            np.savez(OUT / "old_slopes.npz", x=expected["x"], **old)
    return seed


def record_formats():
    """Saves one small state dict in every form that torch.save gives it."""
    state = {"a": torch.arange(6.0).reshape(2, 3) / 4, "b": torch.tensor(7)}
    state["c"] = state["a"].t()  # of the same storage, in another order
    (OUT / "formats").mkdir(exist_ok=True)
    for name, tensors, options in (
        ("zip", state, {}),
        ("old", state, {"_use_new_zipfile_serialization": False}),
        ("half", {k: x.half() if k != "b" else x for k, x in state.items()}, {}),
        ("double", {k: x.double() if k != "b" else x for k, x in state.items()}, {}),
        ("protocol4", state, {"pickle_protocol": 4}),
        ("old3", state, {"_use_new_zipfile_serialization": False, "pickle_protocol": 3}),
        ("bfloat16", {k: x.bfloat16() if k != "b" else x for k, x in state.items()}, {}),
        ("parameters", {"a": torch.nn.Parameter(state["a"]), "b": state["b"]}, {}),
    ):
        torch.save(tensors, OUT / "formats" / f"{name}.pt", **options)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", required=True, help="folder with the port's infowavegan.py")
    sys.path.insert(0, parser.parse_args().port)
    for folder, about in MODELS.items():
        record(importlib.import_module("infowavegan"), folder, *about)
    record_formats()
