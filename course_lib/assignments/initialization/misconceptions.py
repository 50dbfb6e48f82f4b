"""Known-wrong solutions of initialization, as a student would write them."""

from __future__ import annotations

import math

import numpy as np

from course_lib.checking.model import misconception

INITIALIZERS = ("normal_initializers",)
FORWARD = ("forward_second_moments",)
BACKWARD = ("backward_second_moments",)
PREDICTED = ("predicted_second_moments",)
DEPTH = ("depth_until_underflow",)
ORTHOGONAL = ("orthogonal",)


def _relu(f):
    return np.maximum(f, 0)


# --- initializers


@misconception(
    "he_normal",
    belief="The second argument of rng.normal is the variance.",
    hint="Look up what the `scale` of NumPy's normal generator is. Is it what the exercise gives you?",
    fails=INITIALIZERS,
)
def he_normal__variance_as_standard_deviation(d_in, d_out, seed):
    return np.random.default_rng(seed).normal(0, 2 / d_in, (d_out, d_in))


@misconception(
    "he_normal",
    belief="The root goes around the whole standard deviation once more.",
    hint="Measure the variance of a large draw and divide it by the one you wanted. Which power of it did you get?",
    fails=INITIALIZERS,
)
def he_normal__root_taken_twice(d_in, d_out, seed):
    return np.random.default_rng(seed).normal(0, (2 / d_in) ** 0.25, (d_out, d_in))


@misconception(
    "he_normal",
    belief="The fan that counts in the forward pass is the number of outputs.",
    hint="Over how many terms does one pre-activation sum? Try a layer with many inputs and few outputs.",
    fails=INITIALIZERS,
)
def he_normal__fan_out(d_in, d_out, seed):
    return np.random.default_rng(seed).normal(0, math.sqrt(2 / d_out), (d_out, d_in))


@misconception(
    "he_normal",
    belief="One over the fan-in keeps the variance; the ReLU changes nothing.",
    hint="How much of E[f²] is left after a ReLU?",
    fails=INITIALIZERS,
)
def he_normal__relu_forgotten(d_in, d_out, seed):
    return np.random.default_rng(seed).normal(0, math.sqrt(1 / d_in), (d_out, d_in))


@misconception(
    "he_normal",
    belief="A weight matrix has a row for every input.",
    hint="The pre-activations are X Ωᵀ with X (B, d_in). Which shape must Ω have?",
    fails=INITIALIZERS,
)
def he_normal__transposed(d_in, d_out, seed):
    return np.random.default_rng(seed).normal(0, math.sqrt(2 / d_in), (d_in, d_out))


@misconception(
    "he_normal",
    belief="A uniform distribution of the right bound is as good: U(−b, b) with b the standard deviation.",
    hint="Plot a histogram of the entries. Which distribution is asked for, and what is the variance of yours?",
    fails=INITIALIZERS,
)
def he_normal__uniform_with_bound_sigma(d_in, d_out, seed):
    bound = math.sqrt(2 / d_in)
    return np.random.default_rng(seed).uniform(-bound, bound, (d_out, d_in))


@misconception(
    "he_normal",
    belief="Uniform weights of the right variance are He-normal too.",
    hint="The variance is right. Plot a histogram of the entries and compare it with the distribution's name.",
    fails=INITIALIZERS,
    visible=False,
)
def he_normal__uniform(d_in, d_out, seed):
    bound = math.sqrt(6 / d_in)
    return np.random.default_rng(seed).uniform(-bound, bound, (d_out, d_in))


@misconception(
    "he_normal",
    belief="Large weights are dangerous, so they are clipped at two standard deviations.",
    hint="What does cutting the tails off do to the standard deviation? Compare it with the one you asked for.",
    fails=INITIALIZERS,
)
def he_normal__clipped_at_two_sigma(d_in, d_out, seed):
    std = math.sqrt(2 / d_in)
    return np.clip(np.random.default_rng(seed).normal(0, std, (d_out, d_in)), -2 * std, 2 * std)


@misconception(
    "he_normal",
    belief="All outputs may start with the same weights.",
    hint="Print two rows of the matrix. What would two units that start alike learn?",
    fails=INITIALIZERS,
)
def he_normal__one_row_for_all(d_in, d_out, seed):
    row = np.random.default_rng(seed).normal(0, math.sqrt(2 / d_in), d_in)
    return np.tile(row, (d_out, 1))


@misconception(
    "he_normal",
    belief="The second half of the draws is the mirror image of the first, so that the mean is exactly zero.",
    hint="Add up the columns of a large W. Do independent numbers cancel like this?",
    fails=INITIALIZERS,
    visible=False,
)
def he_normal__mirrored(d_in, d_out, seed):
    W = np.random.default_rng(seed).normal(0, math.sqrt(2 / d_in), (d_out, d_in))
    W[d_out - d_out // 2 :] = -W[: d_out // 2]
    return W


@misconception(
    "he_normal",
    belief="Weights are float32, as in PyTorch.",
    hint="Look at the dtype of what you return and at the one that the exercise asks for.",
    fails=INITIALIZERS,
)
def he_normal__single_precision(d_in, d_out, seed):
    return np.random.default_rng(seed).normal(0, math.sqrt(2 / d_in), (d_out, d_in)).astype(np.float32)


@misconception(
    "he_normal",
    belief="Draws should be standardized, so that mean and variance are exact.",
    hint="Try a layer with one input and one output, with several seeds.",
    fails=INITIALIZERS,
    visible=False,
)
def he_normal__standardized(d_in, d_out, seed):
    W = np.random.default_rng(seed).normal(size=(d_out, d_in))
    W = (W - W.mean()) / (W.std() + 1e-12)
    return W * math.sqrt(2 / d_in)


@misconception(
    "he_normal",
    belief="The generator can be made without the seed.",
    hint="Call your function twice with the same seed and compare.",
    fails=INITIALIZERS,
)
def he_normal__seed_unused(d_in, d_out, seed):
    return np.random.default_rng().normal(0, math.sqrt(2 / d_in), (d_out, d_in))


@misconception(
    "he_normal",
    belief="A fixed seed makes results reproducible, so the argument is not needed.",
    hint="Call your function with two different seeds and compare. Two layers of a network would start alike.",
    fails=INITIALIZERS,
)
def he_normal__seed_fixed(d_in, d_out, seed):
    return np.random.default_rng(42).normal(0, math.sqrt(2 / d_in), (d_out, d_in))


@misconception(
    "he_normal",
    belief="Seed 0 means no seed.",
    hint="Is 0 a seed like any other in your code?",
    fails=INITIALIZERS,
)
def he_normal__zero_is_no_seed(d_in, d_out, seed):
    return np.random.default_rng(seed or None).normal(0, math.sqrt(2 / d_in), (d_out, d_in))


@misconception(
    "he_normal",
    belief="Each row has a seed of its own: the seed plus the row's number.",
    hint="Compare row 1 of one seed with row 0 of the next. Would two layers with neighbouring seeds be independent?",
    fails=INITIALIZERS,
    visible=False,
)
def he_normal__a_seed_for_each_row(d_in, d_out, seed):
    rows = [np.random.default_rng(seed + row).normal(0, math.sqrt(2 / d_in), d_in) for row in range(d_out)]
    return np.array(rows)


@misconception(
    "xavier_normal",
    belief="Xavier's variance is one over the sum of the fans.",
    hint="The harmonic compromise between 1/d_in and 1/d_out: what is it when both are equal?",
    fails=INITIALIZERS,
)
def xavier_normal__one_over_the_sum(d_in, d_out, seed):
    return np.random.default_rng(seed).normal(0, math.sqrt(1 / (d_in + d_out)), (d_out, d_in))


@misconception(
    "xavier_normal",
    belief="The compromise is the average of the two variances.",
    hint="Average the fans or average the variances? They differ where the fans do.",
    fails=INITIALIZERS,
)
def xavier_normal__average_of_variances(d_in, d_out, seed):
    return np.random.default_rng(seed).normal(0, math.sqrt((1 / d_in + 1 / d_out) / 2), (d_out, d_in))


@misconception(
    "xavier_normal",
    belief="The bound √(6/(d_in + d_out)) of Xavier's uniform version is a standard deviation.",
    hint="Which of the two published versions has the 6 in it, and what does the 6 stand for there?",
    fails=INITIALIZERS,
)
def xavier_normal__bound_of_the_uniform_version(d_in, d_out, seed):
    return np.random.default_rng(seed).normal(0, math.sqrt(6 / (d_in + d_out)), (d_out, d_in))


@misconception(
    "mean_fan_normal",
    belief="The compromise for ReLU is Xavier's.",
    hint="A ReLU halves the second moment. Does the formula know?",
    fails=INITIALIZERS,
)
def mean_fan_normal__xavier(d_in, d_out, seed):
    return np.random.default_rng(seed).normal(0, math.sqrt(2 / (d_in + d_out)), (d_out, d_in))


@misconception(
    "mean_fan_normal",
    belief="The mean fan is the geometric mean.",
    hint="Insert equal fans, then very unequal ones, into your formula and into the lecture's.",
    fails=INITIALIZERS,
)
def mean_fan_normal__geometric_mean(d_in, d_out, seed):
    return np.random.default_rng(seed).normal(0, math.sqrt(2 / math.sqrt(d_in * d_out)), (d_out, d_in))


# --- forward


@misconception(
    "forward_second_moments",
    belief="The second moment is the variance.",
    hint="After a ReLU the mean is not zero. What does the variance leave out?",
    fails=FORWARD,
)
def forward_second_moments__variance(weights, X):
    h, moments = X, []
    for W in weights:
        h = _relu(h @ W.T)
        moments.append(h.var())
    return np.array(moments)


@misconception(
    "forward_second_moments",
    belief="The moment is taken of the pre-activations.",
    hint="f or h? For a layer with half of its units off the two differ by a factor of about two.",
    fails=FORWARD,
)
def forward_second_moments__pre_activations(weights, X):
    h, moments = X, []
    for W in weights:
        f = h @ W.T
        moments.append((f**2).mean())
        h = _relu(f)
    return np.array(moments)


@misconception(
    "forward_second_moments",
    belief="The last layer has no ReLU, as in a network with an output layer.",
    hint="Read the exercise's description of the network again: which layers have a ReLU?",
    fails=FORWARD,
)
def forward_second_moments__no_relu_after_the_last_layer(weights, X):
    h, moments = X, []
    for k, W in enumerate(weights):
        h = h @ W.T
        if k < len(weights) - 1:
            h = _relu(h)
        moments.append((h**2).mean())
    return np.array(moments)


@misconception(
    "forward_second_moments",
    belief="The mean of the squares is the square of the mean.",
    hint="In which order do the square and the mean stand in E[h²]?",
    fails=FORWARD,
)
def forward_second_moments__square_of_the_mean(weights, X):
    h, moments = X, []
    for W in weights:
        h = _relu(h @ W.T)
        moments.append(h.mean() ** 2)
    return np.array(moments)


@misconception(
    "forward_second_moments",
    belief="E is the sum over the units, averaged over the batch.",
    hint="Double the width of the last layer by repeating its rows. Should E[h²] change?",
    fails=FORWARD,
)
def forward_second_moments__sum_over_units(weights, X):
    h, moments = X, []
    for W in weights:
        h = _relu(h @ W.T)
        moments.append((h**2).sum(axis=1).mean())
    return np.array(moments)


@misconception(
    "forward_second_moments",
    belief="The list starts with the input's second moment.",
    hint="How many numbers do you return for one layer, and which is the first?",
    fails=FORWARD,
)
def forward_second_moments__input_first(weights, X):
    h, moments = X, []
    for W in weights:
        moments.append((h**2).mean())
        h = _relu(h @ W.T)
    return np.array(moments)


@misconception(
    "forward_second_moments",
    belief="Pre-activations are X Ω.",
    hint="Ω has shape (d_out, d_in). Try square matrices that are not symmetric.",
    fails=FORWARD,
)
def forward_second_moments__not_transposed(weights, X):
    h, moments = X, []
    for W in weights:
        h = _relu(h @ (W if W.shape[0] == h.shape[1] else W.T))
        moments.append((h**2).mean())
    return np.array(moments)


@misconception(
    "forward_second_moments",
    belief="Single precision is enough.",
    hint="How small may the activations of forty layers become, and how small may a float32 be?",
    fails=FORWARD,
    visible=False,
)
def forward_second_moments__single_precision(weights, X):
    h, moments = X.astype(np.float32), []
    for W in weights:
        h = _relu(h @ W.T.astype(np.float32))
        moments.append((h**2).mean())
    return np.array(moments, dtype=np.float64)


@misconception(
    "forward_second_moments",
    belief="A moment below 1e-12 is rounding and can be set to zero.",
    hint="Which numbers does a float64 hold? How small do the moments of forty layers with small weights become?",
    fails=FORWARD,
    visible=False,
)
def forward_second_moments__tiny_is_zero(weights, X):
    h, moments = X, []
    for W in weights:
        h = _relu(h @ W.T)
        moment = np.mean(h**2)
        moments.append(moment if moment > 1e-12 else 0.0)
    return np.array(moments)


@misconception(
    "forward_second_moments",
    belief="The signal can be brought back to 1 after every layer and the factors multiplied up.",
    hint="What do you divide by after a layer in which no unit is active?",
    fails=FORWARD,
    visible=False,
)
def forward_second_moments__normalized_on_the_way(weights, X):
    h, moment, moments = X, 1.0, []
    for W in weights:
        h = _relu(h @ W.T)
        size = np.mean(h**2)
        moment *= size
        moments.append(moment)
        h = h / np.sqrt(size)
    return np.array(moments)


@misconception(
    "forward_second_moments",
    belief="The mean is taken once the network has been run through.",
    hint="Print your result for three layers. Why are its entries equal?",
    fails=FORWARD,
)
def forward_second_moments__last_layer_for_all(weights, X):
    h = X
    for W in weights:
        h = _relu(h @ W.T)
    return np.full(len(weights), np.mean(h**2))


# --- backward


def _backward(weights, X, dout, mask=lambda f, k, last: f > 0):
    """The right backward pass, with a choice of the ReLU's derivative: df of every layer, first layer first."""
    h, f = X, []
    for W in weights:
        f.append(h @ W.T)
        h = _relu(f[-1])
    dh, gradients = dout, []
    for k in range(len(weights) - 1, -1, -1):
        df = dh * mask(f[k], k, len(weights) - 1)
        gradients.append(df)
        dh = df @ weights[k]
    return gradients[::-1]


@misconception(
    "backward_second_moments",
    belief="The backward pass is a product of matrices: the ReLU plays no part in it.",
    hint="What does a unit that was off in the forward pass hand back?",
    fails=BACKWARD,
)
def backward_second_moments__no_relu(weights, X, dout):
    return np.array([(d**2).mean() for d in _backward(weights, X, dout, lambda f, k, last: 1.0)])


@misconception(
    "backward_second_moments",
    belief="dout is already the gradient of the last pre-activation.",
    hint="dout is ∂ℓ/∂h_L. What lies between h_L and f_L?",
    fails=BACKWARD,
)
def backward_second_moments__dout_taken_for_df(weights, X, dout):
    gradients = _backward(weights, X, dout, lambda f, k, last: 1.0 if k == last else f > 0)
    return np.array([(d**2).mean() for d in gradients])


@misconception(
    "backward_second_moments",
    belief="The list is in the order in which the backward pass meets the layers.",
    hint="Which layer does your first number belong to? Try a network in which the moments differ much.",
    fails=BACKWARD,
)
def backward_second_moments__last_layer_first(weights, X, dout):
    return np.array([(d**2).mean() for d in _backward(weights, X, dout)][::-1])


@misconception(
    "backward_second_moments",
    belief="What is asked is the gradient of the activations.",
    hint="∂ℓ/∂f or ∂ℓ/∂h? A unit that is off tells them apart.",
    fails=BACKWARD,
)
def backward_second_moments__gradient_of_h(weights, X, dout):
    gradients = _backward(weights, X, dout)
    above = [df @ W for df, W in zip(gradients[1:], weights[1:], strict=True)]
    return np.array([(d**2).mean() for d in [*above, dout]])


@misconception(
    "backward_second_moments",
    belief="Gradients are averaged over the batch.",
    hint="dout already is the gradient for each sample. Repeat all samples twice: should the mean of squares change?",
    fails=BACKWARD,
)
def backward_second_moments__divided_by_the_batch(weights, X, dout):
    return np.array([(d**2).mean() for d in _backward(weights, X, dout / len(X))])


@misconception(
    "backward_second_moments",
    belief="Going back multiplies by Ωᵀ.",
    hint="Forward is h Ωᵀ. Which product has the right shape backward, and is it also right for square matrices?",
    fails=BACKWARD,
)
def backward_second_moments__not_transposed(weights, X, dout):
    h, f = X, []
    for W in weights:
        f.append(h @ W.T)
        h = _relu(f[-1])
    dh, moments = dout, []
    for W, g in zip(weights[::-1], f[::-1], strict=True):
        df = dh * (g > 0)
        moments.append((df**2).mean())
        dh = df @ (W.T if W.T.shape[0] == df.shape[1] else W)
    return np.array(moments[::-1])


@misconception(
    "backward_second_moments",
    belief="The second moment is the variance, since gradients have mean zero.",
    hint="Is the mean of these gradients zero, or only zero on average over random weights?",
    fails=BACKWARD,
)
def backward_second_moments__variance(weights, X, dout):
    return np.array([d.var() for d in _backward(weights, X, dout)])


@misconception(
    "backward_second_moments",
    belief="The gradient at a layer is a sum of squares.",
    hint="E is a mean. Does your number grow with the batch?",
    fails=BACKWARD,
)
def backward_second_moments__sum_of_squares(weights, X, dout):
    return np.array([(d**2).sum() for d in _backward(weights, X, dout)])


@misconception(
    "backward_second_moments",
    belief="Every layer has as many entries as dout.",
    hint="How many numbers is the mean of a layer of another width taken over?",
    fails=BACKWARD,
)
def backward_second_moments__divided_by_the_size_of_dout(weights, X, dout):
    return np.array([(d**2).sum() / dout.size for d in _backward(weights, X, dout)])


@misconception(
    "backward_second_moments",
    belief="A moment below 1e-12 is rounding and can be set to zero.",
    hint="Which numbers does a float64 hold? How small do the gradients of forty layers with small weights become?",
    fails=BACKWARD,
    visible=False,
)
def backward_second_moments__tiny_is_zero(weights, X, dout):
    moments = np.array([(d**2).mean() for d in _backward(weights, X, dout)])
    return np.where(moments > 1e-12, moments, 0.0)


@misconception(
    "backward_second_moments",
    belief="The gradient can be masked in place.",
    hint="Look at `dout` after the call.",
    fails=BACKWARD,
)
def backward_second_moments__dout_changed(weights, X, dout):
    gradients = _backward(weights, X, dout)
    dout *= gradients[-1] != 0
    return np.array([(d**2).mean() for d in gradients])


# --- prediction


@misconception(
    "predicted_second_moments",
    belief="The second moment is multiplied by D·σ² in every layer.",
    hint="Which part of E[f²] does a ReLU let through?",
    fails=PREDICTED,
)
def predicted_second_moments__half_missing(widths, sigma2, q0):
    return q0 * np.cumprod(np.asarray(widths, dtype=float)[:-1] * sigma2)


@misconception(
    "predicted_second_moments",
    belief="D_k is the fan-out.",
    hint="Over how many inputs does a unit sum? Try widths that differ.",
    fails=PREDICTED,
)
def predicted_second_moments__fan_out(widths, sigma2, q0):
    return q0 * np.cumprod(0.5 * np.asarray(widths, dtype=float)[1:] * sigma2)


@misconception(
    "predicted_second_moments",
    belief="The result starts with q_0.",
    hint="Which q is the first that the exercise asks for, and how many are there?",
    fails=PREDICTED,
)
def predicted_second_moments__starts_with_q0(widths, sigma2, q0):
    factors = 0.5 * np.asarray(widths, dtype=float)[:-1] * sigma2
    return q0 * np.concatenate([[1.0], np.cumprod(factors)[:-1]])


@misconception(
    "predicted_second_moments",
    belief="sigma2 is a standard deviation, to be squared.",
    hint="What does the 2 in the name of the argument say?",
    fails=PREDICTED,
)
def predicted_second_moments__variance_squared(widths, sigma2, q0):
    return q0 * np.cumprod(0.5 * np.asarray(widths, dtype=float)[:-1] * sigma2**2)


@misconception(
    "predicted_second_moments",
    belief="Each layer's factor acts on q_0.",
    hint="q_{k+1} follows from q_k. What does your q_3 know of the first layer?",
    fails=PREDICTED,
)
def predicted_second_moments__factors_not_accumulated(widths, sigma2, q0):
    return q0 * 0.5 * np.asarray(widths, dtype=float)[:-1] * sigma2


@misconception(
    "predicted_second_moments",
    belief="The widths can be multiplied first.",
    hint="Try sixty layers of width 300. How large is the largest integer that NumPy can hold?",
    fails=PREDICTED,
    visible=False,
)
def predicted_second_moments__integer_overflow(widths, sigma2, q0):
    fan_in = np.asarray(widths, dtype=np.int64)[:-1]
    return q0 * np.cumprod(fan_in) * np.cumprod(0.5 * sigma2 * np.ones(len(fan_in)))


@misconception(
    "predicted_second_moments",
    belief="There is one variance for the whole network.",
    hint="What if sigma2 has one entry for each layer?",
    fails=PREDICTED,
)
def predicted_second_moments__first_variance_for_all(widths, sigma2, q0):
    return q0 * np.cumprod(0.5 * np.asarray(widths, dtype=float)[:-1] * np.ravel(sigma2)[0])


@misconception(
    "predicted_second_moments",
    belief="All layers are as wide as the first.",
    hint="Does your code look at every entry of widths?",
    fails=PREDICTED,
)
def predicted_second_moments__first_width_for_all(widths, sigma2, q0):
    return q0 * np.cumprod(0.5 * widths[0] * sigma2 * np.ones(len(widths) - 1))


# --- number formats


def _depth(r, limit_low, limit_high, offset=1):
    if abs(r - 1) < 1e-12:
        return -1
    return max(1, math.floor(math.log(limit_low if r < 1 else limit_high) / math.log(r)) + offset)


@misconception(
    "depth_until_underflow",
    belief="The limit is the smallest positive number, subnormals included.",
    hint="Which numbers does a format hold below `tiny`, and with how many digits?",
    fails=DEPTH,
)
def depth_until_underflow__subnormal(width, sigma2, dtype):
    limits = np.finfo(dtype)
    return _depth(0.5 * width * sigma2, float(limits.smallest_subnormal), float(limits.max))


@misconception(
    "depth_until_underflow",
    belief="The limit is the machine epsilon.",
    hint="Epsilon is the distance from 1 to the next number. Is it also the smallest number?",
    fails=DEPTH,
)
def depth_until_underflow__epsilon(width, sigma2, dtype):
    limits = np.finfo(dtype)
    return _depth(0.5 * width * sigma2, float(limits.eps), float(limits.max))


@misconception(
    "depth_until_underflow",
    belief="The last layer that still fits is asked for.",
    hint="Is q_m inside or outside the format for the m that you return?",
    fails=DEPTH,
)
def depth_until_underflow__last_that_fits(width, sigma2, dtype):
    limits = np.finfo(dtype)
    return _depth(0.5 * width * sigma2, float(limits.tiny), float(limits.max), offset=0)


@misconception(
    "depth_until_underflow",
    belief="A number equal to the limit is outside.",
    hint="Take r = ½, and a format whose smallest normal number is a power of two. Is that number itself still normal?",
    fails=DEPTH,
    visible=False,
)
def depth_until_underflow__limit_counted_as_outside(width, sigma2, dtype):
    r = 0.5 * width * sigma2
    limits = np.finfo(dtype)
    if abs(r - 1) < 1e-12:
        return -1
    return max(1, math.ceil(math.log(limits.tiny if r < 1 else limits.max) / math.log(r)))


@misconception(
    "depth_until_underflow",
    belief="Only a fading signal leaves the format.",
    hint="What happens to r^m when r is above 1?",
    fails=DEPTH,
)
def depth_until_underflow__no_overflow(width, sigma2, dtype):
    r = 0.5 * width * sigma2
    return -1 if r >= 1 - 1e-12 else _depth(r, float(np.finfo(dtype).tiny), 1.0)


@misconception(
    "depth_until_underflow",
    belief="The factor of a layer is width · σ².",
    hint="The ReLU is in the factor, too. What is the critical variance of yours?",
    fails=DEPTH,
)
def depth_until_underflow__half_missing(width, sigma2, dtype):
    limits = np.finfo(dtype)
    return _depth(width * sigma2, float(limits.tiny), float(limits.max))


@misconception(
    "depth_until_underflow",
    belief="Multiplying in the format itself shows best when it gives out.",
    hint="Is r itself exact in half precision? Near r = 1 a small error of r is a large one of the depth.",
    fails=DEPTH,
    visible=False,
)
def depth_until_underflow__multiplied_in_the_format(width, sigma2, dtype):
    r = 0.5 * width * sigma2
    if abs(r - 1) < 1e-12:
        return -1
    limits = np.finfo(dtype)
    q, m = dtype(r), 1
    while limits.tiny <= q <= limits.max and m < 10**5:
        q, m = dtype(q * dtype(r)), m + 1
    return m


@misconception(
    "depth_until_underflow",
    belief="Critical means r == 1.",
    hint="Is 0.5 * 49 * (2 / 49) equal to 1 on a computer?",
    fails=DEPTH,
    visible=False,
)
def depth_until_underflow__compared_with_one_exactly(width, sigma2, dtype):
    r = 0.5 * width * sigma2
    if r == 1:
        return -1
    limits = np.finfo(dtype)
    return math.floor(math.log(limits.tiny if r < 1 else limits.max) / math.log(r)) + 1


@misconception(
    "depth_until_underflow",
    belief="Networks are trained in single precision.",
    hint="Does your code use its third argument?",
    fails=DEPTH,
)
def depth_until_underflow__always_single(width, sigma2, dtype):
    limits = np.finfo(np.float32)
    return _depth(0.5 * width * sigma2, float(limits.tiny), float(limits.max))


@misconception(
    "depth_until_underflow",
    belief="What has not left the format after twenty thousand layers never does.",
    hint="How many layers does r = 0.98 take in double precision? Compute it with logarithms.",
    fails=DEPTH,
    visible=False,
)
def depth_until_underflow__gives_up(width, sigma2, dtype):
    r, limits = 0.5 * width * sigma2, np.finfo(dtype)
    q = 1.0
    for m in range(1, 20_001):
        q *= r
        if not float(limits.tiny) <= q <= float(limits.max):
            return m
    return -1


# --- orthogonal


def _qr(rows, columns, seed):
    q, r = np.linalg.qr(np.random.default_rng(seed).standard_normal((rows, columns)))
    return q * np.where(np.diagonal(r) < 0, -1.0, 1.0)


@misconception(
    "orthogonal",
    belief="The Q of a QR decomposition of a normal matrix is uniform.",
    hint="Draw many matrices and look at the signs of their diagonal. Who decided on the signs of R's?",
    fails=ORTHOGONAL,
)
def orthogonal__signs_not_corrected(d_in, d_out, gain, seed):
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((max(d_in, d_out), min(d_in, d_out))))
    return gain * (q if d_out >= d_in else q.T)


@misconception(
    "orthogonal",
    belief="The generator can be made without the seed.",
    hint="Call your function twice with the same seed and compare.",
    fails=ORTHOGONAL,
)
def orthogonal__seed_unused(d_in, d_out, gain, seed):
    q, r = np.linalg.qr(np.random.default_rng().standard_normal((max(d_in, d_out), min(d_in, d_out))))
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return gain * (q if d_out >= d_in else q.T)


@misconception(
    "orthogonal",
    belief="Weights are float32, as in PyTorch.",
    hint="Look at the dtype of what you return and at the one that the exercise asks for.",
    fails=ORTHOGONAL,
)
def orthogonal__single_precision(d_in, d_out, gain, seed):
    q = _qr(max(d_in, d_out), min(d_in, d_out), seed)
    return (gain * (q if d_out >= d_in else q.T)).astype(np.float32)


@misconception(
    "orthogonal",
    belief="Any random matrix will do as the start, so also a uniform one.",
    hint="Turn the whole distribution that you draw from by some rotation. Is it still the same?",
    fails=ORTHOGONAL,
)
def orthogonal__uniform_numbers(d_in, d_out, gain, seed):
    q, r = np.linalg.qr(np.random.default_rng(seed).random((max(d_in, d_out), min(d_in, d_out))))
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return gain * (q if d_out >= d_in else q.T)


@misconception(
    "orthogonal",
    belief="Random signs make any random matrix uniform.",
    hint="Which direction do numbers between 0 and 1, put into a vector, always point to? Do your signs change that?",
    fails=ORTHOGONAL,
    visible=False,
)
def orthogonal__uniform_numbers_with_random_signs(d_in, d_out, gain, seed):
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.random((max(d_in, d_out), min(d_in, d_out))))
    q = q * rng.choice([-1.0, 1.0], q.shape[1])
    return gain * (q if d_out >= d_in else q.T)


@misconception(
    "orthogonal",
    belief="A normal matrix with normalized rows is orthogonal.",
    hint="The rows have the right length. What is the angle between two of them?",
    fails=ORTHOGONAL,
)
def orthogonal__normalized_rows(d_in, d_out, gain, seed):
    W = np.random.default_rng(seed).standard_normal((d_out, d_in))
    axis = 1 if d_out <= d_in else 0
    return gain * W / np.linalg.norm(W, axis=axis, keepdims=True)


@misconception(
    "orthogonal",
    belief="A wide matrix with orthonormal rows is a square one with columns of zeros beside it.",
    hint="Print a matrix of 5 inputs and 3 outputs. Do all the inputs reach the outputs?",
    fails=ORTHOGONAL,
    visible=False,
)
def orthogonal__padded_with_zeros(d_in, d_out, gain, seed):
    return (
        gain * _qr(d_out, d_in, seed)
        if d_out >= d_in
        else gain * np.pad(_qr(d_out, d_out, seed), ((0, 0), (0, d_in - d_out)))
    )


@misconception(
    "orthogonal",
    belief="The gain is a matter of the variance: it goes in as a root.",
    hint="What is the length of a column of your matrix for a gain of 4?",
    fails=ORTHOGONAL,
)
def orthogonal__root_of_the_gain(d_in, d_out, gain, seed):
    q = _qr(max(d_in, d_out), min(d_in, d_out), seed)
    return math.sqrt(gain) * (q if d_out >= d_in else q.T)


@misconception(
    "orthogonal",
    belief="An orthogonal matrix has no free scale, so the gain can be left out.",
    hint="Does your code use the third argument?",
    fails=ORTHOGONAL,
)
def orthogonal__gain_unused(d_in, d_out, gain, seed):
    q = _qr(max(d_in, d_out), min(d_in, d_out), seed)
    return q if d_out >= d_in else q.T


@misconception(
    "orthogonal",
    belief="A random permutation with random signs is the simplest random orthogonal matrix.",
    hint="It is orthogonal. But which directions can a row of it point to?",
    fails=ORTHOGONAL,
)
def orthogonal__signed_permutation(d_in, d_out, gain, seed):
    rng = np.random.default_rng(seed)
    n = max(d_in, d_out)
    W = np.eye(n)[rng.permutation(n)] * rng.choice([-1.0, 1.0], n)
    return gain * W[:d_out, :d_in]


@misconception(
    "orthogonal",
    belief="One random reflection is a random orthogonal matrix.",
    hint="How far from the identity is one reflection of a space of a hundred dimensions?",
    fails=ORTHOGONAL,
)
def orthogonal__one_reflection(d_in, d_out, gain, seed):
    n = max(d_in, d_out)
    v = np.random.default_rng(seed).standard_normal(n)
    reflection = np.eye(n) - 2 * np.outer(v, v) / (v @ v)
    return gain * reflection[:d_out, :d_in]


@misconception(
    "orthogonal",
    belief="The whole matrix gets one random sign, and then no sign is preferred.",
    hint="Each column (or row) has a sign of its own. Whose sign did QR choose?",
    fails=ORTHOGONAL,
    visible=False,
)
def orthogonal__one_sign_for_all(d_in, d_out, gain, seed):
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((max(d_in, d_out), min(d_in, d_out))))
    q = q * rng.choice([-1.0, 1.0])
    return gain * (q if d_out >= d_in else q.T)


@misconception(
    "orthogonal",
    belief="The singular vectors of a random matrix are uniform as the routine returns them.",
    hint="Draw a thousand matrices of 2 inputs and 2 outputs. How often is the first number positive?",
    fails=ORTHOGONAL,
)
def orthogonal__singular_vectors(d_in, d_out, gain, seed):
    u, _, vt = np.linalg.svd(np.random.default_rng(seed).standard_normal((d_out, d_in)), full_matrices=False)
    return gain * (u if u.shape == (d_out, d_in) else vt)


@misconception(
    "orthogonal",
    belief="A weight matrix has a row for every input.",
    hint="Which shape must the matrix have for X Ωᵀ with X (B, d_in)?",
    fails=ORTHOGONAL,
)
def orthogonal__transposed(d_in, d_out, gain, seed):
    q = _qr(max(d_in, d_out), min(d_in, d_out), seed)
    return gain * (q if d_in >= d_out else q.T)
