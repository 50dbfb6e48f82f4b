"""Small networks trained one after the other with torch.nn, as one would without the trainer.

Takes initial weights and the order of the data from the trainer, so that both do the same work, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.studies import trainer

Curves = dict[str, np.ndarray]


def train_one(
    member: trainer.Member,
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray,
    y_test: np.ndarray,
    settings: trainer.Settings,
    *,
    loss: str = "cross_entropy",
    init: Callable[..., Any] = trainer.he_init,
    device: str = "cpu",
) -> Curves:
    """Learning curves of one network, each (points,).

    They are train_loss, test_loss and, for cross-entropy, train_error and test_error. X (n, d), X_test (n_test, d).
    There is no early stopping here.
    """
    dtype = getattr(torch, settings.dtype)
    classify = loss == "cross_entropy"
    inputs, test_inputs = (torch.as_tensor(a, dtype=dtype, device=device) for a in (X, X_test))
    targets, test_targets = (_targets(a, classify, dtype, device) for a in (y, y_test))
    inputs, targets = inputs[: member.n], targets[: member.n]
    outputs = int(np.max(y)) + 1 if classify else targets.shape[1]
    network = _network(member, inputs.shape[1], outputs, settings, init).to(device, dtype)
    criterion = nn.CrossEntropyLoss() if classify else nn.MSELoss()
    optimizer: torch.optim.Optimizer
    if settings.optimizer == "adam":
        optimizer = torch.optim.Adam(network.parameters(), lr=settings.lr)
    else:
        optimizer = torch.optim.SGD(network.parameters(), lr=settings.lr)
    schedule = None
    if settings.schedule == "cosine":
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)

    curves: dict[str, list[float]] = {}

    def evaluate() -> None:
        with torch.no_grad():
            for name, data, wanted in (("train", inputs, targets), ("test", test_inputs, test_targets)):
                predicted = network(data)
                curves.setdefault(f"{name}_loss", []).append(float(criterion(predicted, wanted)))
                if classify:
                    wrong = (predicted.argmax(1) != wanted).to(dtype).mean()
                    curves.setdefault(f"{name}_error", []).append(float(wrong))

    evaluate()
    index: Sequence[Tensor | slice]
    for first in range(0, settings.steps, settings.eval_every):
        count = min(settings.eval_every, settings.steps - first)
        if settings.batch is None:
            index = [slice(None)] * count
        else:
            index = trainer.batch_indices(member, len(inputs), settings.batch, first, count).to(device)
        for rows in index:
            optimizer.zero_grad()
            criterion(network(inputs[rows]), targets[rows]).backward()
            optimizer.step()
            if schedule:
                schedule.step()
        evaluate()
    return {name: np.array(values) for name, values in curves.items()}


def train_all(members: Sequence[trainer.Member], *data: Any, settings: trainer.Settings, **options: Any) -> Curves:
    """The curves of ``train_one`` for every member, each (M, points)."""
    X, y, X_test, y_test = data
    single = [train_one(member, X, y, X_test, y_test, settings, **options) for member in members]
    return {name: np.stack([curves[name] for curves in single]) for name in single[0]}


def _targets(y: np.ndarray, classify: bool, dtype: torch.dtype, device: str) -> Tensor:
    if classify:
        return torch.as_tensor(y, dtype=torch.long, device=device)
    values = torch.as_tensor(y, dtype=dtype, device=device)
    return values[:, None] if values.ndim == 1 else values


def _network(
    member: trainer.Member, d: int, K: int, settings: trainer.Settings, init: Callable[..., Any]
) -> nn.Sequential:
    W1, b1, W2, b2 = init(member, d, K, trainer.generator_for(member.seed, 0))
    first, last = nn.Linear(d, member.width), nn.Linear(member.width, K)
    activation = {"relu": nn.ReLU, "tanh": nn.Tanh}[settings.activation]()
    with torch.no_grad():
        for parameter, value in ((first.weight, W1.T), (first.bias, b1), (last.weight, W2.T), (last.bias, b2)):
            parameter.copy_(value)
    return nn.Sequential(first, activation, last)
