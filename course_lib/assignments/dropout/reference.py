"""Reference solutions in torch: they follow the device and dtype of their inputs.

Sources: Prince, Understanding Deep Learning, chapter 9; Srivastava et al., Dropout, JMLR 15 (2014); Gal and Ghahramani,
Dropout as a Bayesian Approximation, ICML 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def dropout_forward(x: Tensor, p: float, u: Tensor, training: bool) -> tuple[Tensor, Tensor]:
    """Inverted dropout: y and the mask of kept units, both of x's shape.

    In training a unit is kept where u ≥ p, and kept units are scaled by 1/(1−p), so that E[y] = x. In evaluation y = x.

    Raises:
        ValueError: p is not in [0, 1), in either mode.
    """
    _require_drop_probability(p)
    if not training:
        return x.clone(), torch.ones_like(x, dtype=torch.bool)
    mask = u >= p
    return torch.where(mask, x / (1 - p), torch.zeros_like(x)), mask


def dropout_backward(dy: Tensor, mask: Tensor, p: float, training: bool) -> Tensor:
    """Gradient with respect to x, of dy's shape, from the mask of the forward pass."""
    if not training:
        return dy.clone()
    return torch.where(mask, dy / (1 - p), torch.zeros_like(dy))


class Dropout:
    """A dropout layer that draws a fresh mask for every forward pass. Starts in training mode.

    The uniforms are drawn on the CPU, so that the same seed gives the same masks on every device.

    Args:
        p: probability that a unit is dropped, in [0, 1).
        seed: of the layer's own generator.

    Raises:
        ValueError: p is not in [0, 1).
    """

    def __init__(self, p: float, seed: int) -> None:
        _require_drop_probability(p)
        self._p = p
        self._generator = torch.Generator().manual_seed(seed)
        self._training = True
        self._last: tuple[Tensor, bool] | None = None

    def train(self) -> None:
        """Drop units in the forward passes from here on."""
        self._training = True

    def eval(self) -> None:
        """Let everything through in the forward passes from here on."""
        self._training = False

    def forward(self, x: Tensor) -> Tensor:
        """Y, of x's shape."""
        u = torch.rand(x.shape, generator=self._generator, dtype=torch.float64).to(x.device)
        y, mask = dropout_forward(x, self._p, u, self._training)
        self._last = mask, self._training
        return y

    def backward(self, dy: Tensor) -> Tensor:
        """Gradient with respect to the x of the last forward pass.

        Raises:
            RuntimeError: there was no forward pass.
        """
        if self._last is None:
            raise RuntimeError("backward needs a forward pass before it")
        mask, training = self._last
        return dropout_backward(dy, mask, self._p, training)


def l2_penalty(weights: Sequence[Tensor], lam: float) -> tuple[Tensor, list[Tensor]]:
    """½λ Σ‖W‖² over all entries of all arrays, and its gradients λW (Prince, section 9.1)."""
    return 0.5 * lam * torch.stack([w.square().sum() for w in weights]).sum(), [lam * w for w in weights]


def early_stopping(val_losses: Sequence[float] | Tensor, patience: int, min_delta: float = 0.0) -> tuple[int, int]:
    """Last epoch that improved, and the epoch at which training stops; epochs count from 0 (Prince, section 9.3.1).

    An epoch improves when its loss is below best − min_delta, best being the loss of the last epoch that improved;
    the first epoch always does. Training stops at the first epoch that ends ``patience`` epochs in a row without an
    improvement, else at the last one.
    """
    best = 0
    for epoch in range(1, len(val_losses)):
        if val_losses[epoch] < val_losses[best] - min_delta:
            best = epoch
        elif epoch - best >= patience:
            return best, epoch
    return best, len(val_losses) - 1


def magnitude_prune(w: Tensor, fraction: float) -> tuple[Tensor, Tensor]:
    """w with its ⌊fraction·size⌋ smallest magnitudes set to zero, and the mask of what is kept, both of w's shape.

    Among equal magnitudes the one of smaller index (C order) goes first (Han et al., NIPS 2015).
    """
    count = int(fraction * w.numel())
    mask = torch.ones(w.numel(), dtype=torch.bool, device=w.device)
    mask[torch.argsort(w.abs().flatten(), stable=True)[:count]] = False
    mask = mask.reshape(w.shape)
    return torch.where(mask, w, torch.zeros_like(w)), mask


def mc_dropout(forward: Callable[[Tensor], Tensor], x: Tensor, passes: int) -> tuple[Tensor, Tensor]:
    """Mean and population standard deviation of ``passes`` calls of a stochastic network (Gal and Ghahramani)."""
    outputs = torch.stack([forward(x) for _ in range(passes)])
    return outputs.mean(dim=0), outputs.std(dim=0, correction=0)


def _require_drop_probability(p: float) -> None:
    if not 0 <= p < 1:
        raise ValueError(f"the probability p of dropping a unit must be in [0, 1), got {p}")
