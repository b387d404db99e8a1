"""Seconds per update: this package against the PyTorch port, in alternating rounds of one run.

  git clone https://github.com/atzhou8/ciwganfiwgan-pytorch
  python benchmarks/bench_port.py --port=ciwganfiwgan-pytorch [--python=PYTHON] [--rounds=7]

Networks are the port's own, and so is the rule of its updates: that of the Discriminator computes
gradients of the Generator too, unused, and that of the Q-network runs the Generator a second time.
PYTHON is one with torch installed. Each of the two works in a process of its own, idle while the
other is timed. The last line is one JSON object.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

PENALTY_WEIGHT = 10
NUM_CATEG = {"wavegan": 0, "ciwgan": 10, "fiwgan": 3}


def make_ours(args):
    """Updates of this package, by letter; each waits for its result."""
    from bench_training import Candidate

    from wavegan_tf.models.config import ModelConfig

    config = ModelConfig(args.model, dim=args.dim, num_categ=NUM_CATEG[args.model])
    ours = Candidate("auto", config, args.batch)

    def update(place):
        ours.trainer.update = place
        ours.update()

    last = ours.trainer.training.disc_nupdates
    return {"D": lambda: update(0), "G": lambda: update(last)}


def make_port(args):
    """Updates as the port's train.py has them."""
    sys.path.insert(0, args.port)
    import torch
    from infowavegan import WaveGANDiscriminator, WaveGANGenerator, WaveGANQNetwork

    num_categ, batch = NUM_CATEG[args.model], args.batch
    g, d = WaveGANGenerator(dim=args.dim).train(), WaveGANDiscriminator(dim=args.dim).train()
    of_g, of_d = (torch.optim.Adam(x.parameters(), lr=1e-4, betas=(0.5, 0.9)) for x in (g, d))
    if num_categ:
        q = WaveGANQNetwork(num_categ, dim=args.dim).train()
        of_q = torch.optim.RMSprop([*q.parameters(), *g.parameters()], lr=1e-4)
    real = 0.1 * torch.randn(batch, 1, 16384)

    def draw():
        if args.model == "ciwgan":
            chosen = torch.randint(num_categ, [batch])
            code = torch.nn.functional.one_hot(chosen, num_categ).float()
        else:
            code = torch.randint(2, [batch, num_categ]).float()
        return code, torch.cat([code, 2 * torch.rand(batch, 100 - num_categ) - 1], dim=1)

    def penalty(fake):
        alpha = torch.rand(batch, 1, 1)
        between = alpha * real + (1 - alpha) * fake
        logits = d(between)
        (slopes,) = torch.autograd.grad(
            logits, between, torch.ones_like(logits), create_graph=True, retain_graph=True
        )
        return (slopes.flatten(1).norm(dim=1, keepdim=True) - 1) ** 2

    def update_d():
        of_d.zero_grad()
        fake = g(draw()[1])
        loss = (d(fake) - d(real) + PENALTY_WEIGHT * penalty(fake)).mean()
        loss.backward()
        of_d.step()
        loss.item()

    def update_g():
        of_g.zero_grad()
        code, z = draw()
        loss = -d(g(z)).mean()
        loss.backward(retain_graph=True)
        of_g.step()
        if num_categ:
            of_q.zero_grad()
            logits = q(g(z))
            if args.model == "ciwgan":
                loss = torch.nn.functional.cross_entropy(logits, code.argmax(dim=1))
            else:
                loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, code)
            loss.backward()
            of_q.step()
        loss.item()

    return {"D": update_d, "G": update_g}


def work(args):
    """In a process of its own: answers each letter on standard input with the update's seconds."""
    answers, sys.stdout = sys.stdout, sys.stderr
    updates = {"ours": make_ours, "port": make_port}[args.worker](args)
    for update in updates.values():
        update()
    print(0, file=answers, flush=True)
    for line in sys.stdin:
        begun = time.perf_counter()
        updates[line.strip()]()
        print(time.perf_counter() - begun, file=answers, flush=True)


class Worker:
    """A process that updates when it is asked to."""

    def __init__(self, name, python, args):
        given = [f"--{x}={value}" for x, value in vars(args).items() if x != "worker" and value]
        self.process = subprocess.Popen(
            [python, __file__, f"--worker={name}", *given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()
        self.seconds = {"D": [], "G": []}

    def measure(self):
        for letter, seconds in self.seconds.items():
            print(letter, file=self.process.stdin, flush=True)
            seconds.append(self._answer())

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"error: the process of {self.process.args[2]} has ended")
        return float(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", required=True, help="Clone of the PyTorch port.")
    parser.add_argument("--python", default=sys.executable, help="A Python that has torch.")
    parser.add_argument("--model", default="wavegan", choices=NUM_CATEG)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--worker", choices=("ours", "port"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.port = str(Path(args.port).resolve())
    if args.worker:
        work(args)
        return
    ours, port = Worker("ours", sys.executable, args), Worker("port", args.python, args)
    for _ in range(args.rounds):
        ours.measure()
        port.measure()
    figures = {"args": vars(args)}
    print(f"{args.model}, dim {args.dim}, batch {args.batch}; medians of {args.rounds} rounds")
    print(f"{'':<8}{'ours s':>8}{'port s':>8}{'port / ours':>13}")
    for letter in "DG":
        a, b = np.array(ours.seconds[letter]), np.array(port.seconds[letter])
        ratio = np.median(b / a)
        figures[letter] = {"ours_s": np.median(a), "port_s": np.median(b), "ratio": ratio}
        print(f"{letter:<8}{np.median(a):>8.3f}{np.median(b):>8.3f}{ratio:>13.2f}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
