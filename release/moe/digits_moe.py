"""A small mixture-of-experts layer that learns to read handwritten digits, in torch, on the GPU if there is one.

The layer has the shapes of the notebook, but its experts end in 10 class scores instead of D outputs. It computes every
expert on every token, which is fine for a few experts of 16 units and misses the point for large ones: skipping the
experts that were not chosen is your exercise. The choice of experts and the balance loss are *your* functions, too;
``train`` takes them as arguments.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

PIXELS, CLASSES = 64, 10


@dataclass
class Run:
    """What came of one training.

    usage: (steps, E), the fraction of a batch's routing slots that each expert got.
    test_usage: (E,), the same for the test set, after training.
    by_class: (10, E), the same for the test images of each digit; rows sum to 1.
    test_indices: (500, k), the experts that each test image chose, after training.
    test_accuracy: (epochs,), fraction of test images read correctly.
    device: where it ran.
    """

    usage: np.ndarray
    test_usage: np.ndarray
    by_class: np.ndarray
    test_indices: np.ndarray
    test_accuracy: np.ndarray
    device: str


def pick_device():
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_digits(device):
    """Images (n, 64) scaled to 0…1 and labels (n,), a fixed random split into 1297 for training and 500 for testing."""
    with np.load(Path(__file__).with_name("digits.npz")) as data:
        X = torch.tensor(data["images"].reshape(-1, PIXELS) / 16, dtype=torch.float32)
        y = torch.tensor(data["labels"].astype(np.int64))
    order = torch.randperm(len(X), generator=torch.Generator().manual_seed(0))
    X, y = X[order].to(device), y[order].to(device)
    return X[:1297], y[:1297], X[1297:], y[1297:]


class DigitsMoE:
    """Router and experts as plain tensors with gradients. ``route`` is a ``top_k(P, k)`` on NumPy arrays, k ≥ 2."""

    def __init__(self, route, experts, hidden, k, seed, device):
        if k < 2:
            raise ValueError(f"k must be at least 2 here, not {k}: the gate of a single choice is not 1")
        random = torch.Generator().manual_seed(seed)
        normal = lambda *shape, fan_in: torch.randn(*shape, generator=random) * (2 / fan_in) ** 0.5  # noqa: E731
        self.G = normal(experts, PIXELS, fan_in=2 * PIXELS)
        self.W1, self.b1 = normal(experts, hidden, PIXELS, fan_in=PIXELS), torch.zeros(experts, hidden)
        self.W2, self.b2 = normal(experts, CLASSES, hidden, fan_in=hidden), torch.zeros(experts, CLASSES)
        for name, value in vars(self).items():
            setattr(self, name, value.to(device).requires_grad_())
        self.parameters = list(vars(self).values())
        self.route, self.k = route, k

    def __call__(self, X):
        """Class scores (T, 10), router probabilities P (T, E) and, as an array, the chosen experts (T, k)."""
        scores = X @ self.G.T
        P = torch.softmax(scores, dim=1)
        indices, _ = self.route(P.detach().double().cpu().numpy(), self.k)
        picked = torch.as_tensor(np.asarray(indices).astype(np.int64), device=X.device)
        gates = torch.softmax(scores.gather(1, picked), dim=1)  # for k ≥ 2 equal to yours, and they have a gradient
        h = torch.relu(torch.einsum("td,ehd->teh", X, self.W1) + self.b1)
        outputs = torch.einsum("teh,ech->tec", h, self.W2) + self.b2
        chosen = outputs.gather(1, picked[:, :, None].expand(-1, -1, CLASSES))
        return (gates[:, :, None] * chosen).sum(dim=1), P, indices


def balance_slopes(balance_loss, indices, experts):
    """How fast the balance loss grows with each expert's mean probability, (E,).

    For given choices the loss is a linear function of the probabilities. So its slopes are its values for tokens
    that are sure of one expert: your function says all that its gradient needs. A slope is E times the fraction of
    the routing slots that the expert got.
    """
    tokens = len(indices)
    return np.array([float(balance_loss(np.tile(sure, (tokens, 1)), indices)) for sure in np.eye(experts)])


def train(
    route, balance_loss, balance, *, experts=8, hidden=16, k=2, epochs=12, batch=128, lr=0.1, seed=0, device=None
):
    """Train by SGD with momentum on cross-entropy + ``balance`` · balance loss, and return a ``Run``."""
    device = device or pick_device()
    X, y, X_test, y_test = load_digits(device)
    model = DigitsMoE(route, experts, hidden, k, seed, device)
    velocity = [torch.zeros_like(p) for p in model.parameters]
    random = torch.Generator().manual_seed(seed)
    usage, accuracy = [], []
    for _ in range(epochs):
        for chosen in torch.randperm(len(X), generator=random).to(device).split(batch):
            out, P, indices = model(X[chosen])
            slopes = balance_slopes(balance_loss, indices, experts)
            loss = torch.nn.functional.cross_entropy(out, y[chosen])
            if balance:
                slope = torch.tensor(slopes, dtype=P.dtype, device=device)
                loss = loss + balance * (slope * P.mean(dim=0)).sum()
            gradients = torch.autograd.grad(loss, model.parameters)
            for p, v, g in zip(model.parameters, velocity, gradients, strict=True):
                v.mul_(0.9).add_(g)
                p.data.sub_(lr * v)
            usage.append(slopes / experts)
        with torch.no_grad():
            out, _, indices = model(X_test)
        accuracy.append(float((out.argmax(dim=1) == y_test).float().mean()))
    labels = y_test.cpu().numpy()
    return Run(
        usage=np.array(usage),
        test_usage=balance_slopes(balance_loss, indices, experts) / experts,
        by_class=np.array(
            [balance_slopes(balance_loss, indices[labels == c], experts) / experts for c in range(CLASSES)]
        ),
        test_indices=indices,
        test_accuracy=np.array(accuracy),
        device=str(device),
    )
