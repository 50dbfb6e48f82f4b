"""Correct solutions in unusual shapes, as students write them."""

from __future__ import annotations

import math
import random
import statistics

import numpy as np
import torch

# dropout_forward, dropout_backward


def forward_as_a_list(x, p, u, training):
    if p < 0.0 or p >= 1.0:
        raise ValueError
    if not training:
        return [x, np.full(x.shape, True)]
    y = np.zeros_like(x)
    mask = ~(u < p)
    y[mask] = x[mask] * (1.0 / (1.0 - p))
    return [y, mask]


def backward_by_indexing(dy, mask, p, training):
    if not training:
        return dy
    dx = np.zeros_like(dy)
    dx[mask] = dy[mask] / (1 - p)
    return dx


def forward_element_by_element(x, p, u, training):
    if not (p >= 0 and p < 1):
        raise ValueError(f"bad p: {p}")
    y, mask = np.empty(x.shape), np.empty(x.shape, dtype=bool)
    for index in np.ndindex(x.shape):
        mask[index] = (not training) or u[index] >= p
        y[index] = x[index] if not training else (x[index] / (1 - p) if mask[index] else 0.0)
    return y, mask


def forward_in_torch(x, p, u, training):
    if p not in (0, 0.0) and not 0 < p < 1:
        raise ValueError("p")
    keep = torch.from_numpy(u).ge(p) if training else torch.ones(x.shape, dtype=torch.bool)
    y = torch.from_numpy(x) * keep * (1 / (1 - p) if training else 1.0)
    return y.numpy(), keep.numpy()


def forward_in_extended_precision(x, p, u, training):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    mask = np.logical_or(not training, u >= p)
    scale = np.longdouble(1) / (np.longdouble(1) - np.longdouble(p)) if training else np.longdouble(1)
    return (x * mask * scale).astype(np.float64), mask


def backward_in_torch(dy, mask, p, training):
    q = p if training else 0.0
    return (torch.tensor(dy) * torch.tensor(mask) / (1 - q)).numpy()


def backward_by_where(dy, mask, p, training):
    return np.where(mask if training else True, dy / (1 - p * training), 0)


# Dropout


class LayerWithLegacyGenerator:
    def __init__(self, p, seed):
        if not 0 <= p < 1:
            raise ValueError("p")
        self.keep, self.random, self.on, self.noise = 1 - p, np.random.RandomState(seed), True, None

    def train(self):
        self.on = True
        return self

    def eval(self):
        self.on = False
        return self

    def forward(self, x):
        self.noise = self.random.binomial(1, self.keep, size=x.shape) / self.keep if self.on else 1.0
        return np.multiply(x, self.noise)

    def backward(self, dy):
        return np.multiply(dy, self.noise)


class LayerAsTorchModule(torch.nn.Module):
    """train() and eval() are those of torch."""

    def __init__(self, p, seed):
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError("p must be in [0, 1)")
        self.p, self.generator = p, torch.Generator().manual_seed(seed)

    def forward(self, x):
        kept = torch.rand(x.shape, generator=self.generator) >= self.p
        self.factor = kept.double().numpy() / (1 - self.p) if self.training else 1.0
        return x * self.factor

    def backward(self, dy):
        return dy * self.factor


class LayerOnePerPass:
    """Seeds a generator for every pass with (seed, number of the pass), and draws in evaluation mode too."""

    def __init__(self, p, seed):
        if p < 0 or p >= 1:
            raise ValueError(p)
        self.p, self.seed, self.passes, self.training = p, seed, 0, True

    def train(self, mode=True):
        self.training = mode

    def eval(self):
        self.train(False)

    def forward(self, x):
        u = np.random.default_rng([self.seed, self.passes]).uniform(size=x.shape)
        self.passes += 1
        self.mask = (u >= self.p) | (not self.training)
        self.scale = 1 / (1 - self.p) if self.training else 1
        return self.mask * x * self.scale

    def backward(self, dy):
        return self.mask * dy * self.scale


class LayerInTorch:
    def __init__(self, p, seed):
        if not 0.0 <= p < 1.0:
            raise ValueError("p is not a probability below one")
        self._p, self._generator, self._mode = p, torch.Generator(), "train"
        self._generator.manual_seed(seed)

    def train(self):
        self._mode = "train"

    def eval(self):
        self._mode = "eval"

    def forward(self, x):
        self._factor = torch.ones(x.shape, dtype=torch.float64)
        if self._mode == "train":
            self._factor = torch.bernoulli((1 - self._p) * self._factor, generator=self._generator) / (1 - self._p)
        return (torch.from_numpy(x) * self._factor).numpy()

    def backward(self, dy):
        return dy * self._factor.numpy()


class LayerWithTheStandardLibrary:
    def __init__(self, p, seed):
        if not 0 <= p < 1:
            raise ValueError("p")
        self.p, self.rng, self.training = p, random.Random(seed), True

    def train(self):
        self.training = True

    def eval(self):
        self.training = False

    def forward(self, x):
        self.was_training = self.training
        if not self.training:
            return x
        self.mask = np.array([self.rng.random() >= self.p for _ in range(x.size)]).reshape(x.shape)
        return np.where(self.mask, x / (1 - self.p), 0.0)

    def backward(self, dy):
        return np.where(self.mask, dy / (1 - self.p), 0.0) if self.was_training else dy


# l2_penalty


def penalty_with_loops(weights, lam):
    total = 0.0
    for w in weights:
        for value in w.ravel():
            total += float(value) ** 2
    return lam * total / 2, tuple(lam * w for w in weights)


def penalty_with_norms(weights, lam):
    value = lam / 2 * sum(np.linalg.norm(w) ** 2 for w in weights)
    return np.array(value), [np.multiply(w, lam) for w in weights]


def penalty_by_autograd(weights, lam):
    tensors = [torch.tensor(w, requires_grad=True) for w in weights]
    value = 0.5 * lam * sum(torch.sum(t * t) for t in tensors)
    value.backward()
    return [value.item(), [t.grad.numpy() for t in tensors]]


def penalty_by_dot_products(weights, lam):
    flat = np.concatenate([w.reshape(-1) for w in weights])
    grads, start = [], 0
    for w in weights:
        grads.append((lam * flat[start : start + w.size]).reshape(w.shape))
        start += w.size
    return np.float64(0.5 * lam * np.einsum("i,i->", flat, flat)), grads


# early_stopping


def stopping_from_infinity(val_losses, patience, min_delta=0.0):
    best_loss, best_epoch, bad = float("inf"), -1, 0
    for epoch, loss in enumerate(val_losses):
        if loss < best_loss - min_delta:
            best_loss, best_epoch, bad = loss, epoch, 0
        else:
            bad += 1
        if bad >= patience:
            return best_epoch, epoch
    return best_epoch, epoch


def stopping_in_numpy_integers(val_losses, patience, min_delta=0.0):
    v = np.asarray(val_losses, dtype=float)
    best = np.int64(0)
    while True:
        better = np.flatnonzero(v[best + 1 : best + 1 + patience] < v[best] - min_delta)
        if better.size == 0:
            return [best, np.minimum(best + patience, len(v) - 1)]
        best = best + 1 + better[0]


def stopping_recursively(val_losses, patience, min_delta=0.0):
    losses = list(val_losses)

    def go(best, epoch):
        if epoch == len(losses):
            return best, len(losses) - 1
        if losses[best] - losses[epoch] > min_delta:
            return go(epoch, epoch + 1)
        return (best, epoch) if epoch - best == patience else go(best, epoch + 1)

    return go(0, 1)


# magnitude_prune


def prune_by_lexsort(w, fraction):
    flat = w.flatten()
    order = np.lexsort((np.arange(flat.size), np.abs(flat)))
    gone = order[: math.floor(fraction * flat.size)]
    mask = ~np.isin(np.arange(flat.size), gone)
    flat[gone] = 0.0
    return flat.reshape(w.shape), mask.reshape(w.shape)


def prune_by_sorted(w, fraction):
    flat = [float(v) for v in w.ravel()]
    gone = set(sorted(range(len(flat)), key=lambda i: (flat[i] ** 2, i))[: int(len(flat) * fraction)])
    mask = np.array([i not in gone for i in range(len(flat))], dtype=bool).reshape(w.shape)
    return [w * mask, mask]


def prune_by_threshold_and_rank(w, fraction):
    magnitudes = np.abs(w).ravel()
    count = int(np.floor(fraction * w.size))
    if count == 0:
        return w, np.ones(w.shape, dtype=bool)
    threshold = np.partition(magnitudes, count - 1)[count - 1]
    gone = magnitudes < threshold
    equal = np.flatnonzero(magnitudes == threshold)
    gone[equal[: count - gone.sum()]] = True
    mask = ~gone.reshape(w.shape)
    return np.where(mask, w, 0.0), mask


def prune_in_torch(w, fraction):
    t = torch.tensor(w)
    order = torch.sort(t.abs().reshape(-1), stable=True).indices
    mask = torch.ones(t.numel(), dtype=torch.bool)
    mask[order[: int(fraction * t.numel())]] = False
    mask = mask.reshape(t.shape)
    return (t * mask).numpy(), mask.numpy()


# mc_dropout


def mc_by_running_sums(forward, x, passes):
    total = squares = 0.0
    for _ in range(passes):
        y = forward(x)
        total, squares = total + y, squares + y * y
    mean = total / passes
    return mean, np.sqrt(np.maximum(squares / passes - mean**2, 0.0))


def mc_by_welford(forward, x, passes):
    mean = spread = None
    for n in range(1, passes + 1):
        y = forward(x.copy())
        if mean is None:
            mean, spread = np.zeros_like(y), np.zeros_like(y)
        delta = y - mean
        mean = mean + delta / n
        spread = spread + delta * (y - mean)
    return [mean, np.sqrt(spread / passes)]


def mc_in_torch(forward, x, passes):
    outputs = torch.stack([torch.as_tensor(forward(x)) for _ in range(passes)], dim=-1)
    variance, mean = torch.var_mean(outputs, dim=-1, correction=0)
    return mean.numpy(), variance.sqrt().numpy()


def mc_with_statistics(forward, x, passes):
    outputs = [forward(x) for _ in range(passes)]
    mean, std = np.empty(outputs[0].shape), np.empty(outputs[0].shape)
    for index in np.ndindex(mean.shape):
        column = [float(y[index]) for y in outputs]
        mean[index], std[index] = statistics.fmean(column), statistics.pstdev(column)
    return mean, std


VARIANTS = [
    (
        "boolean indexing, lists for tuples, x itself in evaluation",
        {"dropout_forward": forward_as_a_list, "dropout_backward": backward_by_indexing},
    ),
    (
        "loops, and one expression for both modes",
        {"dropout_forward": forward_element_by_element, "dropout_backward": backward_by_where},
    ),
    ("torch tensors inside", {"dropout_forward": forward_in_torch, "dropout_backward": backward_in_torch}),
    ("extended precision inside", {"dropout_forward": forward_in_extended_precision}),
    ("legacy generator, binomial draws, train() returns the layer", {"Dropout": LayerWithLegacyGenerator}),
    ("a torch module", {"Dropout": LayerAsTorchModule}),
    ("a generator for every pass", {"Dropout": LayerOnePerPass}),
    ("torch.bernoulli with its own generator", {"Dropout": LayerInTorch}),
    ("the random module", {"Dropout": LayerWithTheStandardLibrary}),
    ("loops, a tuple of gradients", {"l2_penalty": penalty_with_loops}),
    ("norms, a 0-d array as value", {"l2_penalty": penalty_with_norms}),
    ("autograd", {"l2_penalty": penalty_by_autograd}),
    ("one long vector inside", {"l2_penalty": penalty_by_dot_products}),
    ("best starts at infinity", {"early_stopping": stopping_from_infinity}),
    ("jumps from best to best, NumPy integers", {"early_stopping": stopping_in_numpy_integers}),
    ("recursion", {"early_stopping": stopping_recursively}),
    ("lexsort", {"magnitude_prune": prune_by_lexsort}),
    ("squares and Python's sort", {"magnitude_prune": prune_by_sorted}),
    ("threshold, then ties by index; w itself when nothing goes", {"magnitude_prune": prune_by_threshold_and_rank}),
    ("torch.sort", {"magnitude_prune": prune_in_torch}),
    ("sums of values and squares", {"mc_dropout": mc_by_running_sums}),
    ("Welford's recurrence", {"mc_dropout": mc_by_welford}),
    ("torch.var_mean over the last axis", {"mc_dropout": mc_in_torch}),
    ("the statistics module", {"mc_dropout": mc_with_statistics}),
]
