"""How much faster is training small networks all at once, and how far is it from what the machine can do?

The same networks are trained with the students' trainer and, for comparison, one after the other with torch.nn and
torch.optim, in one run on this machine. Both get the same initial weights and batches, and one CPU thread. The ceiling
is this machine's speed at one large matrix product in float32, on one thread or on the GPU. See docs/studies.md.

    python benchmarks/studies.py [--steps 100] [--device cpu]
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from course_lib.studies import one_at_a_time, trainer
from course_lib.studies.trainer import Member, Settings


@dataclass(frozen=True)
class Case:
    """A study's shape: its networks, its data, its settings."""

    name: str
    members: list[Member]
    rows: int
    inputs: int
    outputs: int
    settings: Settings
    loss: str = "cross_entropy"

    def data(self) -> tuple[np.ndarray, ...]:
        """Random training data, and ten test rows: evaluation is not what is measured."""
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.rows, self.inputs))
        y = rng.integers(0, self.outputs, self.rows) if self.loss == "cross_entropy" else X[:, : self.outputs]
        y[: self.outputs] = np.arange(self.outputs) if self.loss == "cross_entropy" else y[: self.outputs]
        return X, y, X[:10], y[:10]

    def flops(self) -> float:
        """Multiplications and additions in the matrix products of one step of all networks, padding not counted.

        The first layer has two products (output, weight gradient), the second three (and the gradient of its input).
        """
        batch = self.settings.batch or self.rows
        return float(sum(2 * batch * m.width * (2 * self.inputs + 3 * self.outputs) for m in self.members))


def cases(steps: int) -> list[Case]:
    """From networks that are all overhead to the width sweep of the double descent study."""
    settings = Settings(steps=steps, eval_every=steps)
    geometric = np.unique(np.geomspace(2, 256, 25).round().astype(int))
    return [
        Case(
            "64 networks, 2 to 8 units, batch 8",
            [Member(width, seed) for width in (2, 4, 6, 8) for seed in range(16)],
            rows=200, inputs=8, outputs=2, settings=replace(settings, batch=8),
        ),
        Case(
            "64 networks, 4 to 32 units, batch 16",
            [Member(width, seed) for width in (4, 8, 16, 32) for seed in range(16)],
            rows=800, inputs=64, outputs=10, settings=replace(settings, batch=16),
        ),
        Case(
            "50 networks, 50 units, full batch 60",
            [Member(50, seed) for seed in range(50)],
            rows=60, inputs=5, outputs=1, settings=replace(settings, batch=None, optimizer="sgd"), loss="mse",
        ),
        Case(
            "115 networks, 2 to 256 units, batch 100",
            [Member(int(width), seed) for width in geometric for seed in range(5)],
            rows=800, inputs=64, outputs=10, settings=replace(settings, batch=100),
        ),
    ]  # fmt: skip


def seconds(run: Callable[[], object], device: str) -> float:
    """Wall time of one call, everything that it started on the GPU included."""
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def ceiling(device: str) -> float:
    """Floating-point operations a second in one large float32 matrix product: the best of five."""
    size = 8192 if device == "cuda" else 1024
    A, B = torch.randn(size, size, device=device), torch.randn(size, size, device=device)
    A @ B
    return 2 * size**3 / min(seconds(lambda: A @ B, device) for _ in range(5))


def device_name(device: str) -> str:
    """The device in words."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    with open("/proc/cpuinfo") as lines:
        model = next(
            (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine()
        )
    return f"{model}, one thread"


def measure(case: Case, device: str, peak: float, repeats: int) -> list[str]:
    """One row of the table."""
    data, steps = case.data(), case.settings.steps
    options = {"loss": case.loss, "device": device}

    def stacked() -> None:
        trainer.train(case.members, *data, case.settings, progress=False, **options)

    def single() -> None:
        one_at_a_time.train_all(case.members, *data, settings=case.settings, **options)

    stacked()  # the first run pays for imports and for memory
    together = min(seconds(stacked, device) for _ in range(repeats))
    alone = seconds(single, device)
    reached = case.flops() * steps / together
    return [
        case.name,
        f"{1e3 * alone / steps:.1f}",
        f"{1e3 * together / steps:.2f}",
        f"{alone / together:.1f} ×",
        f"{reached / 1e9:.1f}",
        f"{100 * reached / peak:.1f} %",
    ]


def main() -> None:
    """Measure every case on the CPU and, where there is one, on the GPU."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", choices=["cpu", "cuda"], help="only this one")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=120)
    for device in ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]:
        if chosen.device not in (None, device):
            continue
        peak = ceiling(device)
        table = Table(
            title=f"{device_name(device)}: {peak / 1e9:.0f} GFLOP/s in one large matrix product (float32)",
            caption=f"torch {torch.__version__}, {chosen.steps} steps; ms are for one step of all networks",
        )
        table.add_column("study")
        for heading in ("one at a time, ms", "all at once, ms", "speed-up", "GFLOP/s", "of ceiling"):
            table.add_column(heading, justify="right")
        for case in cases(chosen.steps):
            table.add_row(*measure(case, device, peak, chosen.repeats))
        console.print(table)
    if not torch.cuda.is_available():
        console.print("No CUDA device: the GPU part did not run.")


if __name__ == "__main__":
    main()
