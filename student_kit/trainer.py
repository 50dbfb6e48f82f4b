"""Train many small two-layer networks at once.

A study needs a hundred small networks: every width, every seed. Trained one after the other they spend their time on
starting operations, not on arithmetic. Here they are stacked along a first axis M, and every operation works on all:

    W1 (M, d, H)   b1 (M, H)   W2 (M, H, K)   b2 (M, K)        f = act(X W1 + b1) W2 + b2

Networks of different width share one stack because the narrow ones are padded with zeros. A padded unit has input
weights, bias and output weights 0, so its activation is 0 (ReLU and tanh), so all its gradients are 0, so it stays 0:
no mask is needed. The loss of the stack is the *sum* of the members' losses. No parameter of one member enters the loss
of another, so each gets exactly the gradient that it would get alone: train one member by itself, and the curves agree.

    members = [Member(width=w, seed=s) for w in (4, 16, 64) for s in range(5)]
    result = train(members, X, y, X_test, y_test, Settings(steps=2000, batch=100))
    result.curves["test_error"]        # (15, points), one row per member, at the steps in result.steps
"""

import hashlib
import math
import os
import time
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class Member:
    """One network of the study.

    width: hidden units.
    seed: of its initial weights and of the order of its data; equal seeds see the data in the same order.
    n: it is trained on the first n rows only (None: on all).
    scale: for an ``init`` function of your own.
    """

    width: int
    seed: int = 0
    n: int | None = None
    scale: float = 1.0

    def __post_init__(self):
        _at_least_one(width=self.width, n=self.n)


@dataclass(frozen=True)
class Settings:
    """What all members have in common. ``batch=None`` is the full batch, ``patience=None`` means no early stopping.

    With patience p, a member whose test loss has not improved for p evaluations in a row is finished: its curves are
    NaN from there on and its weights are those of its best evaluation. (To test it afterwards on data that had no say
    in when to stop, pass validation data as test data here.)
    """

    steps: int = 1000
    batch: int | None = 100
    lr: float = 0.01
    optimizer: str = "adam"  # or "sgd"
    schedule: str = "constant"  # or "cosine": from lr down to 0 along a half cosine
    activation: str = "relu"  # or "tanh"; must map 0 to 0, or padding is no fixed point
    eval_every: int = 50
    patience: int | None = None
    dtype: str = "float32"

    def __post_init__(self):
        _at_least_one(steps=self.steps, batch=self.batch, eval_every=self.eval_every, patience=self.patience)
        for name, known in CHOICES.items():
            _require(getattr(self, name) in known, f"{name} must be one of {known}, but is {getattr(self, name)!r}")


CHOICES = {
    "optimizer": ("adam", "sgd"),
    "schedule": ("constant", "cosine"),
    "activation": ("relu", "tanh"),
    "dtype": ("float32", "float64"),
}


@dataclass
class Result:
    """What came of a study, in the order of its members.

    curves: name -> (M, points): train_loss, test_loss and, with cross-entropy, train_error, test_error (fractions).
    steps: (points,) the number of steps before each evaluation.
    weights: per member W1 (d, width), b1 (width,), W2 (width, K), b2 (K,), as tensors.
    """

    members: list
    steps: np.ndarray
    curves: dict
    weights: list

    def last(self, name):
        """The curve's last value for each member, (M,): at the end, or where it was stopped."""
        values = self.curves[name]
        end = np.maximum((~np.isnan(self.curves["test_loss"])).sum(1) - 1, 0)
        return values[np.arange(len(values)), end]


# ----------------------------------------------------------------------------------------------- the networks


def he_init(member, d, K, generator):
    """First layer N(0, 2/d), output layer N(0, 1/width), biases 0."""
    W1 = torch.randn(d, member.width, generator=generator) * math.sqrt(2 / d)
    W2 = torch.randn(member.width, K, generator=generator) / math.sqrt(member.width)
    return W1, torch.zeros(member.width), W2, torch.zeros(K)


def stack(networks, H):
    """Pad each (W1, b1, W2, b2) to H hidden units with zeros and stack them."""
    padded = []
    for W1, b1, W2, b2 in networks:
        more = H - W1.shape[1]
        padded.append((F.pad(W1, (0, more)), F.pad(b1, (0, more)), F.pad(W2, (0, 0, 0, more)), b2))
    return [torch.stack(parts) for parts in zip(*padded, strict=True)]


def forward(params, X, activation="relu"):
    """All members' outputs (M, B, K) for inputs X: (B, d), the same for all, or (M, B, d), each its own."""
    W1, b1, W2, b2 = params
    return getattr(torch, activation)(X @ W1 + b1[:, None]) @ W2 + b2[:, None]


def cross_entropy(outputs, y):
    """Loss of every example (M, B); outputs (M, B, K), labels (M, B)."""
    return F.cross_entropy(outputs.flatten(0, 1), y.flatten(), reduction="none").view(y.shape)


def mse(outputs, y):
    """Squared error of every example (M, B), the mean over its K outputs; y (M, B, K)."""
    return ((outputs - y) ** 2).mean(-1)


# --------------------------------------------------------------------------------------------------- the data


def generator_for(seed, number):
    """A generator that depends on these two alone: a resumed run needs no saved state. Number 0 is for the weights."""
    return torch.Generator().manual_seed(1_000_003 * seed + number)


def batch_indices(member, n, batch, first, count):
    """Rows of the steps first … first+count−1, (count, batch).

    The member reads one random permutation of its n rows after the other, cut into batches; a batch may end one and
    begin the next.
    """
    start, stop = first * batch, (first + count) * batch
    epochs = range(start // n, (stop - 1) // n + 1)
    stream = torch.cat([torch.randperm(n, generator=generator_for(member.seed, e + 1)) for e in epochs])
    return stream[start - epochs[0] * n :][: stop - start].view(count, batch)


class _Data:
    """Inputs and targets on the device, shared (n, …) or with a first axis for the members."""

    def __init__(self, X, y, members, sizes, classes, dtype, device):
        self.X = torch.as_tensor(np.asarray(X), dtype=dtype, device=device)
        y = torch.as_tensor(np.asarray(y), dtype=torch.long if classes else dtype, device=device)
        n = self.X.shape[-2]
        self.y = y if classes or y.shape[-1] != n else y[..., None]
        self.own_X, self.own_y = self.X.ndim == 3, self.y.ndim == (2 if classes else 3)
        if self.own_X:
            self.X = self.X[members]
        self.y = self.y[members] if self.own_y else self.y.expand(len(members), *self.y.shape)
        self.M = torch.arange(len(members), device=device)[:, None]
        counted = (torch.arange(n, device=device) < torch.tensor(sizes, device=device)[:, None]).to(dtype)
        self.weight = counted / counted.sum(1, keepdim=True)  # (M, n): the mean over the rows that a member has

    def rows(self, index):
        return (self.X[self.M, index] if self.own_X else self.X[index]), self.y[self.M, index]


# ---------------------------------------------------------------------------------------------------- training


def train(
    members,
    X,
    y,
    X_test,
    y_test,
    settings=None,
    *,
    loss="cross_entropy",
    init=he_init,
    chunk=None,
    device=None,
    checkpoint=None,
    save_seconds=20.0,
    progress=True,
    threads=1,
):
    """Train all members and return a ``Result``.

    X (n, d), and y (n,) labels 0…K−1 for cross-entropy, or (n,) or (n, K) values for "mse". With one axis more in
    front, (M, n, …), every member has data of its own. The test data may do the same.
    loss: "cross_entropy", "mse" or your own function (outputs (M, B, K), y (M, B, …)) -> (M, B).
    init: (member, d, K, generator) -> (W1, b1, W2, b2), if you want other initial weights.
    chunk: members per stack, sorted by width first; None for 32 on a CPU (more would leave its cache), all on a GPU.
    checkpoint: a file, rewritten every ``save_seconds``. Call again with the same arguments, and it goes on from there.
    threads: torch's threads on a CPU; a second one costs more than it brings on matrices this small.
    """
    settings = settings or Settings()
    _check(members, loss, X, y, X_test, y_test)
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    chunk = chunk or (len(members) if device.type == "cuda" else 32)
    order = sorted(range(len(members)), key=lambda i: members[i].width)
    chunks = [order[i : i + chunk] for i in range(0, len(order), chunk)]
    saver = _Saver(checkpoint, save_seconds, _fingerprint(members, X, y, X_test, y_test, settings, loss, init, chunk))
    bar = _Progress(settings.steps * len(chunks), progress)
    threads_before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        done = saver.load()
        for number in range(len(done["finished"]), len(chunks)):
            bar.label = f"stack {number + 1} of {len(chunks)}"
            run = _Chunk(members, chunks[number], X, y, X_test, y_test, settings, loss, init, device)
            if done["current"] is not None:
                run.load(done["current"])
                done["current"] = None
            while not run.finished:
                bar.show(number * settings.steps + run.step)
                run.advance()
                saver.save_if_due(done["finished"], run)
            done["finished"].append({"curves": run.curves, "params": run.result_params()})
            saver.save(done["finished"], None)
        bar.close()
    finally:
        torch.set_num_threads(threads_before)
    return _collect(members, chunks, done["finished"], settings)


class _Chunk:
    """A stack of members in training: parameters, optimizer, curves."""

    def __init__(self, members, which, X, y, X_test, y_test, settings, loss, init, device):
        self.members, self.settings = [members[i] for i in which], settings
        self.loss = {"cross_entropy": cross_entropy, "mse": mse}.get(loss, loss)
        self.classes = self.loss is cross_entropy
        dtype = getattr(torch, settings.dtype)
        n, n_test = np.shape(X)[-2], np.shape(X_test)[-2]
        self.sizes = [m.n or n for m in self.members]
        self.train_data = _Data(X, y, which, self.sizes, self.classes, dtype, device)
        self.test_data = _Data(X_test, y_test, which, [n_test] * len(which), self.classes, dtype, device)
        d = self.train_data.X.shape[-1]
        K = int(np.max(y)) + 1 if self.classes else self.train_data.y.shape[-1]
        networks = [init(m, d, K, generator_for(m.seed, 0)) for m in self.members]
        params = stack(networks, max(m.width for m in self.members))
        self.params = [p.to(device, dtype, copy=True).requires_grad_() for p in params]
        optimizer = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[settings.optimizer]
        self.optimizer = optimizer(self.params, lr=settings.lr)
        self.step = 0
        names = ["train_loss", "test_loss"] + ["train_error", "test_error"] * self.classes
        shape = (len(which), len(eval_steps(settings)))
        self.curves = {name: torch.full(shape, torch.nan, dtype=torch.float64) for name in names}
        self.best = torch.full(shape[:1], torch.inf, dtype=torch.float64)  # each member's lowest test loss so far,
        self.waited = torch.zeros(len(which))  # how many evaluations ago that was,
        self.best_params = [p.detach().clone() for p in self.params]  # and the weights it had there
        self.evaluate()

    @property
    def finished(self):
        return self.step >= self.settings.steps or not self.running().any()

    def running(self):
        """Which members have not been stopped early."""
        patience = self.settings.patience
        return self.waited < (math.inf if patience is None else patience)

    def advance(self):
        """Train to the next evaluation, and evaluate."""
        s, data = self.settings, self.train_data
        count = min(s.eval_every, s.steps - self.step)
        if s.batch is not None:
            pairs = zip(self.members, self.sizes, strict=True)
            index = torch.stack([batch_indices(m, n, s.batch, self.step, count) for m, n in pairs]).to(data.X.device)
        for i in range(count):
            if s.schedule == "cosine":
                self.optimizer.param_groups[0]["lr"] = s.lr * 0.5 * (1 + math.cos(math.pi * (self.step + i) / s.steps))
            if s.batch is None:
                losses = (self.loss(forward(self.params, data.X, s.activation), data.y) * data.weight).sum(1)
            else:
                X, y = data.rows(index[:, i])
                losses = self.loss(forward(self.params, X, s.activation), y).mean(1)
            self.optimizer.zero_grad()
            losses.sum().backward()  # the sum: each member's gradient is the one it would have alone
            self.optimizer.step()
        self.step += count
        self.evaluate()

    @torch.no_grad()
    def evaluate(self):
        """Write the next point of every running member's curves, and see who has stopped improving."""
        point, running = -(-self.step // self.settings.eval_every), self.running()
        for name, data in (("train", self.train_data), ("test", self.test_data)):
            outputs = forward(self.params, data.X, self.settings.activation)
            found = {f"{name}_loss": self.loss(outputs, data.y)}
            if self.classes:
                found[f"{name}_error"] = (outputs.argmax(-1) != data.y).to(outputs.dtype)
            for curve, values in found.items():
                self.curves[curve][running, point] = (values * data.weight).sum(1).cpu().double()[running]
        if self.settings.patience is not None:
            better = running & (self.curves["test_loss"][:, point] < self.best)
            self.best = torch.where(better, self.curves["test_loss"][:, point], self.best)
            self.waited = torch.where(better, 0.0, self.waited + running)
            for best, now in zip(self.best_params, self.params, strict=True):
                best[better.to(now.device)] = now[better.to(now.device)]

    def result_params(self):
        return [p.detach().cpu() for p in (self.params if self.settings.patience is None else self.best_params)]

    def state(self):
        names = ("step", "curves", "best", "waited", "best_params")
        kept = {name: getattr(self, name) for name in names}
        return kept | {"params": [p.detach() for p in self.params], "optimizer": self.optimizer.state_dict()}

    def load(self, state):
        state = dict(state)
        self.optimizer.load_state_dict(state.pop("optimizer"))
        with torch.no_grad():
            for mine, saved in zip(self.params, state.pop("params"), strict=True):
                mine.copy_(saved)
        state["best_params"] = [saved.to(p.device) for saved, p in zip(state["best_params"], self.params, strict=True)]
        vars(self).update(state)


def eval_steps(settings):
    """The numbers of steps after which the networks are evaluated: 0, eval_every, 2·eval_every, …, steps."""
    return np.unique([*range(0, settings.steps, settings.eval_every), settings.steps])


def _collect(members, chunks, finished, settings):
    """Put the chunks' results into the order of the members, without padding."""
    places = {i: (c, row) for c, which in enumerate(chunks) for row, i in enumerate(which)}
    curves, weights = {name: [] for name in finished[0]["curves"]}, []
    for i, member in enumerate(members):
        c, row = places[i]
        for name, rows in curves.items():
            rows.append(finished[c]["curves"][name][row].numpy())
        W1, b1, W2, b2 = (p[row] for p in finished[c]["params"])
        weights.append((W1[:, : member.width], b1[: member.width], W2[: member.width], b2))
    return Result(list(members), eval_steps(settings), {k: np.stack(v) for k, v in curves.items()}, weights)


# -------------------------------------------------------------------------------------------- bad arguments


def _require(condition, message):
    if not condition:
        raise ValueError(message)


def _at_least_one(**numbers):
    for name, number in numbers.items():
        _require(number is None or number >= 1, f"{name} must be at least 1, but is {number}")


def _check(members, loss, X, y, X_test, y_test):
    """Say what is wrong with the arguments now, and not in the middle of a long run."""
    _require(len(members) > 0, "there are no members to train")
    _require(callable(loss) or loss in ("cross_entropy", "mse"), f'loss must be "cross_entropy" or "mse", not {loss!r}')
    n, d = np.shape(X)[-2:] if np.ndim(X) in (2, 3) else (None, None)
    for name, inputs, targets in (("", X, y), ("_test", X_test, y_test)):
        shape, of_targets = np.shape(inputs), np.shape(targets)
        rows = "must be (n, d), or (M, n, d) with one data set for each of the M members"
        _require(len(shape) == 2 or (len(shape) == 3 and shape[0] == len(members)), f"X{name} {rows}, but is {shape}")
        _require(shape[-2] in of_targets, f"X{name} has {shape[-2]} rows, but y{name} has shape {of_targets}")
        _require(shape[-1] == d, f"X has {d} columns, but X{name} has {shape[-1]}")
        if loss == "cross_entropy":
            labels, classes = np.asarray(targets), int(np.max(y)) + 1
            whole = labels.dtype.kind in "iu" and labels.min() >= 0 and labels.max() < classes
            _require(whole, f"y{name} must be labels: integers from 0 to {classes - 1}, the largest of y")
    most = max(m.n or 0 for m in members)
    _require(most <= n, f"a member is to be trained on {most} rows, but X has {n}")


# ------------------------------------------------------------------------------------- progress and checkpoints


class _Saver:
    """The checkpoint file. It is replaced in one move, so there is always a whole one, whenever the run is killed."""

    def __init__(self, path, seconds, fingerprint):
        self.path, self.seconds, self.fingerprint, self.saved = path, seconds, fingerprint, time.monotonic()

    def load(self):
        if self.path and os.path.exists(self.path):
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            if state["fingerprint"] == self.fingerprint:
                return state
            print(f"{self.path} is from another run (other members, data or settings): it will be replaced")
        return {"finished": [], "current": None}

    def save_if_due(self, finished, run):
        if self.path and time.monotonic() - self.saved >= self.seconds:
            self.save(finished, run.state())

    def save(self, finished, current):
        if self.path:
            part = f"{self.path}.part"
            torch.save({"fingerprint": self.fingerprint, "finished": finished, "current": current}, part)
            os.replace(part, self.path)
            self.saved = time.monotonic()


def _fingerprint(members, *parts):
    """Stands for all that decides the curves. (Of a function of yours it sees the code, not the variables it uses.)"""
    digest = hashlib.sha256(repr([asdict(m) for m in members]).encode())
    for part in parts:
        if callable(part):
            constants = [c for c in part.__code__.co_consts if not hasattr(c, "co_code")]
            digest.update(repr((part.__code__.co_code, constants)).encode())
        elif isinstance(part, (Settings, str, int)):
            digest.update(repr(part).encode())
        else:
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


class _Progress:
    """A line that is rewritten about twice a second: how far, and how long to go."""

    def __init__(self, total, wanted):
        self.total, self.wanted, self.label, self.start, self.shown = total, wanted, "", None, 0.0

    def show(self, done):
        now = time.monotonic()
        self.start = self.start or (now, done)  # a resumed run does not count what was done before
        if self.wanted and now - self.shown > 0.5:
            self.shown, (began, before) = now, self.start
            left = (now - began) * (self.total - done) / (done - before) if done > before else 0
            bar = f"{'█' * (24 * done // self.total):░<24} {100 * done // self.total:3d} %"
            print(f"\r{bar}  {self.label}, {left:4.0f} s left ", end="", flush=True)

    def close(self):
        if self.wanted and self.start:
            print(f"\r{'█' * 24} 100 %  done in {time.monotonic() - self.start[0]:.0f} s{' ' * 24}")
