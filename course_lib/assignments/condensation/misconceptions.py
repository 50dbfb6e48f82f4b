"""Known-wrong solutions of condensation, as a student would write them."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_lib.checking.model import misconception

# What the wrong solutions share and get right.


def _coefficients(values: Any, freqs: Any) -> Any:
    n = len(values)
    return np.exp(-2j * np.pi * np.outer(freqs, np.arange(n)) / n) @ values / n


def _starts(below: Any) -> Any:
    """The start of the final stretch of True in each column; the number of rows if there is none."""
    return [max((t + 1 for t in range(len(column)) if not column[t]), default=0) for column in below.T]


def _order(starts: Any, freqs: Any, steps: int) -> list[int]:
    return [int(k) for start, k in sorted(zip(starts, freqs, strict=True)) if start < steps]


def _components(joined: Any) -> int:
    """Connected components of a symmetric bool matrix."""
    left, count = set(range(len(joined))), 0
    while left:
        todo, count = [left.pop()], count + 1
        while todo:
            i = todo.pop()
            near = {j for j in left if joined[i][j]}
            left -= near
            todo += near
    return count


def _train(
    X: Any, y: Any, w: Any, b: Any, a: Any, lr: float, steps: int, gradients: Any = None, loss: Any = None
) -> Any:
    """The right training, or that with other ``gradients(X, f, h, error, a)`` or ``loss(error)``."""
    losses = []
    for step in range(steps + 1):
        f = X @ w.T + b
        h = np.maximum(f, 0)
        error = h @ a - y
        losses.append((loss or _mean_square)(error))
        if step < steps:
            dw, db, da = (gradients or _gradients)(X, f, h, error, a)
            w, b, a = w - lr * dw, b - lr * db, a - lr * da
    return w, b, a, np.array(losses)


def _mean_square(error: Any) -> Any:
    return np.mean(error**2)


def _gradients(X: Any, f: Any, h: Any, error: Any, a: Any) -> Any:
    dout = 2 * error / len(error)
    df = np.outer(dout, a) * (f > 0)
    return df.T @ X, df.sum(axis=0), h.T @ dout


# fourier


@misconception(
    "fourier_coefficients",
    belief="The transform is the sum; no factor 1/n.",
    hint=(
        "Which coefficient should the constant function 1 have at frequency 0? And does it depend on the "
        "number of samples?"
    ),
    fails=("fourier",),
)
def fourier_coefficients__not_divided_by_n(values, freqs):
    return _coefficients(values, freqs) * len(values)


@misconception(
    "fourier_coefficients",
    belief="A wave has its amplitude as coefficient, so the factor is 2/n.",
    hint=(
        "Compute the coefficient of the constant function 1 by hand, and compare the factor in front of your "
        "sum with the formula."
    ),
    fails=("fourier",),
)
def fourier_coefficients__two_over_n(values, freqs):
    return 2 * _coefficients(values, freqs)


@misconception(
    "fourier_coefficients",
    belief="The exponent is +2πikj/n.",
    hint=(
        "The size of your coefficients is right. Take a sine instead of a cosine and look at the sign of the "
        "imaginary part."
    ),
    fails=("fourier",),
)
def fourier_coefficients__sign_of_the_exponent(values, freqs):
    return np.conj(_coefficients(values, freqs))


@misconception(
    "fourier_coefficients",
    belief="A frequency k means the angle k·j/n.",
    hint=(
        "How many full turns should the exponential of frequency 1 make over the samples, and how many does yours make?"
    ),
    fails=("fourier",),
)
def fourier_coefficients__two_pi_missing(values, freqs):
    n = len(values)
    return np.exp(-1j * np.outer(freqs, np.arange(n)) / n) @ values / n


@misconception(
    "fourier_coefficients",
    belief="Frequencies count from 1, so the first bin is frequency 1.",
    hint="Put in a pure wave of frequency 2 and look at which frequency your function finds it.",
    fails=("fourier",),
)
def fourier_coefficients__shifted_by_one_bin(values, freqs):
    return _coefficients(values, np.asarray(freqs) + 1)


@misconception(
    "fourier_coefficients",
    belief="The samples are at 1/n, 2/n, …, 1.",
    hint="Where is the first sample? The size of your coefficients is right, but every one is turned by an angle.",
    fails=("fourier",),
)
def fourier_coefficients__samples_from_one(values, freqs):
    n = len(values)
    return np.exp(-2j * np.pi * np.outer(freqs, np.arange(1, n + 1)) / n) @ values / n


@misconception(
    "fourier_coefficients",
    belief="n equispaced points of [0, 1] are np.linspace(0, 1, n), the end included.",
    hint="How far apart are two neighbouring sample points on [0, 1), where the end is not a point of its own?",
    fails=("fourier",),
)
def fourier_coefficients__end_point_included(values, freqs):
    x = np.linspace(0, 1, len(values))
    return np.exp(-2j * np.pi * np.outer(freqs, x)) @ values / len(values)


@misconception(
    "fourier_coefficients",
    belief="Functions are real, so the cosine part is enough.",
    hint="What does your function say about a pure sine?",
    fails=("fourier",),
)
def fourier_coefficients__cosines_only(values, freqs):
    return _coefficients(values, freqs).real.astype(complex)


@misconception(
    "fourier_coefficients",
    belief="What matters is how strong a frequency is: return the magnitudes.",
    hint="The exercise asks for the complex coefficients themselves. What gets lost if only their size is kept?",
    fails=("fourier",),
)
def fourier_coefficients__magnitudes(values, freqs):
    return np.abs(_coefficients(values, freqs)).astype(complex)


@misconception(
    "fourier_coefficients",
    belief="Frequencies lie between 0 and n−1, so all can be computed once and looked up.",
    hint="The formula has a meaning for every whole number k. What does yours do for k = n + 1, or for k = −n − 1?",
    fails=("fourier",),
    visible=False,
)
def fourier_coefficients__clipped_to_the_grid(values, freqs):
    return _coefficients(values, np.clip(freqs, 0, len(values) - 1))


@misconception(
    "relative_frequency_error",
    belief="The error is |ĉ(prediction) − ĉ(target)|, in absolute terms.",
    hint="Let both functions be ten times as large. Should an error that is relative change?",
    fails=("fourier",),
)
def relative_frequency_error__absolute(prediction, target, freqs):
    return np.abs(_coefficients(prediction, freqs) - _coefficients(target, freqs))


@misconception(
    "relative_frequency_error",
    belief="A frequency is learned when its strength is right, so magnitudes are compared.",
    hint=(
        "The target is a wave, the prediction the same wave upside down. Is that a perfect fit? What does "
        "your function say?"
    ),
    fails=("fourier",),
)
def relative_frequency_error__magnitudes_compared(prediction, target, freqs):
    wanted = np.abs(_coefficients(target, freqs))
    return np.abs(np.abs(_coefficients(prediction, freqs)) - wanted) / wanted


@misconception(
    "relative_frequency_error",
    belief="Relative means relative to the prediction.",
    hint="Before training a network predicts almost nothing. By what should its error be divided?",
    fails=("fourier",),
)
def relative_frequency_error__relative_to_the_prediction(prediction, target, freqs):
    got = _coefficients(prediction, freqs)
    with np.errstate(all="ignore"):
        return np.abs(got - _coefficients(target, freqs)) / np.abs(got)


@misconception(
    "relative_frequency_error",
    belief="One scale for all frequencies: the largest coefficient of the target.",
    hint=(
        "The target has a strong and a weak frequency, and nothing is learned yet. What should the error of "
        "the weak one be?"
    ),
    fails=("fourier",),
)
def relative_frequency_error__one_scale_for_all(prediction, target, freqs):
    wanted = _coefficients(target, freqs)
    return np.abs(_coefficients(prediction, freqs) - wanted) / np.abs(wanted).max()


@misconception(
    "relative_frequency_error",
    belief="Errors are squared.",
    hint="If the prediction is half of the target, by what fraction is it off?",
    fails=("fourier",),
)
def relative_frequency_error__squared(prediction, target, freqs):
    wanted = _coefficients(target, freqs)
    return np.abs((_coefficients(prediction, freqs) - wanted) / wanted) ** 2


@misconception(
    "relative_frequency_error",
    belief="The real parts tell the error.",
    hint="Try a target that is a pure sine: what is the real part of its coefficient?",
    fails=("fourier",),
)
def relative_frequency_error__real_parts(prediction, target, freqs):
    wanted = _coefficients(target, freqs)
    return np.abs((_coefficients(prediction, freqs) - wanted).real) / np.abs(wanted)


# convergence_order


@misconception(
    "convergence_order",
    belief="A frequency is learned at the first step at which its error is below the threshold.",
    hint="An error may dip below the threshold and come back up. Which step counts then?",
    fails=("convergence_order",),
)
def convergence_order__first_step_below(errors, freqs, threshold):
    below = errors < threshold
    starts = [int(np.argmax(e)) if e[-1] else len(e) for e in below.T]
    return _order(starts, freqs, len(errors))


@misconception(
    "convergence_order",
    belief="argmax of the mask gives the start; the end of the curve is not looked at.",
    hint=(
        "What should happen to a frequency whose error was below the threshold for a while and is above it at the end?"
    ),
    fails=("convergence_order",),
)
def convergence_order__end_not_checked(errors, freqs, threshold):
    below = errors < threshold
    starts = [int(np.argmax(e)) if e.any() else len(e) for e in below.T]
    return _order(starts, freqs, len(errors))


@misconception(
    "convergence_order",
    belief="np.argmax of a mask finds the start, also where the mask is False everywhere.",
    hint=(
        "What does argmax return for a row that is False everywhere, and where does such a frequency end up "
        "in your list?"
    ),
    fails=("convergence_order",),
)
def convergence_order__never_counts_as_step_0(errors, freqs, threshold):
    starts = [0 if start == len(errors) else start for start in _starts(errors < threshold)]
    return _order(starts, freqs, len(errors))


@misconception(
    "convergence_order",
    belief="Frequencies that are never learned come last.",
    hint="Should the list tell which frequencies were learned, or hold all of them?",
    fails=("convergence_order",),
)
def convergence_order__never_comes_last(errors, freqs, threshold):
    return _order(_starts(errors < threshold), freqs, len(errors) + 1)


@misconception(
    "convergence_order",
    belief="The list holds the places of the frequencies.",
    hint="Your list holds places in freqs. Which frequencies stand there?",
    fails=("convergence_order",),
)
def convergence_order__places_for_frequencies(errors, freqs, threshold):
    return _order(_starts(errors < threshold), list(range(len(freqs))), len(errors))


@misconception(
    "convergence_order",
    belief="Among equals the order of freqs decides (a stable sort).",
    hint="Two frequencies are learned at the same step, and freqs is not sorted. Which one comes first in your list?",
    fails=("convergence_order",),
)
def convergence_order__ties_by_place(errors, freqs, threshold):
    pairs = zip(_starts(errors < threshold), range(len(freqs)), freqs, strict=True)
    return [int(k) for start, _, k in sorted(pairs) if start < len(errors)]


@misconception(
    "convergence_order",
    belief="The number of steps that are not below is the start.",
    hint="Your count is the start only if the error crosses the threshold once. What if it goes below and comes back?",
    fails=("convergence_order",),
)
def convergence_order__counts_steps_above(errors, freqs, threshold):
    starts = np.sum(~(errors < threshold), axis=0)
    ends = _starts(errors < threshold)
    starts = [len(errors) if end == len(errors) else int(s) for s, end in zip(starts, ends, strict=True)]
    return _order(starts, freqs, len(errors))


@misconception(
    "convergence_order",
    belief="A missing error is the same as the one before it.",
    hint="An error is below the threshold, then NaN, then below again. Where does its final stretch begin?",
    fails=("convergence_order",),
    visible=False,
)
def convergence_order__nan_filled_from_before(errors, freqs, threshold):
    filled = np.array(errors)
    for step in range(1, len(filled)):
        filled[step] = np.where(np.isnan(filled[step]), filled[step - 1], filled[step])
    return _order(_starts(filled < threshold), freqs, len(filled))


@misconception(
    "convergence_order",
    belief="An error equal to the threshold counts as below.",
    hint="Is 0.5 below 0.5?",
    fails=("convergence_order",),
)
def convergence_order__at_the_threshold_is_below(errors, freqs, threshold):
    return _order(_starts(errors <= threshold), freqs, len(errors))


@misconception(
    "convergence_order",
    belief="Below is the opposite of errors >= threshold.",
    hint="What does a comparison with NaN give, and what does it give when it is turned around with ~?",
    fails=("convergence_order",),
    visible=False,
)
def convergence_order__nan_counts_as_below(errors, freqs, threshold):
    return _order(_starts(~(errors >= threshold)), freqs, len(errors))


@misconception(
    "convergence_order",
    belief="The smallest error at the end was learned first.",
    hint="A frequency may be learned late and very well. Does your order look at when, or at how well?",
    fails=("convergence_order",),
)
def convergence_order__by_final_error(errors, freqs, threshold):
    pairs = sorted(zip(errors[-1], freqs, strict=True))
    return [int(k) for error, k in pairs if error < threshold]


# condensed_groups


def _directions(w: Any, b: Any, a: Any) -> Any:
    vectors = np.column_stack([w, b])
    length = np.linalg.norm(vectors, axis=1)
    units = vectors / np.where(length > 0, length, 1.0)[:, None]
    return units, np.abs(a) * length


@misconception(
    "neuron_directions",
    belief="Dividing by the length is all there is to do.",
    hint="What is the length of a neuron whose weights and bias are all 0, and what comes out when you divide by it?",
    fails=("condensed_groups",),
)
def neuron_directions__zero_neuron_gives_nan(w, b, a):
    vectors = np.column_stack([w, b])
    length = np.linalg.norm(vectors, axis=1)
    with np.errstate(all="ignore"):
        return vectors / length[:, None], np.abs(a) * length


@misconception(
    "neuron_directions",
    belief="A length that np.isclose calls 0 is 0.",
    hint="After an initialization of scale 1e-9, how many of your neurons have a direction?",
    fails=("condensed_groups",),
    visible=False,
)
def neuron_directions__close_to_zero_is_zero(w, b, a):
    vectors = np.column_stack([w, b])
    length = np.linalg.norm(vectors, axis=1)
    zero = np.isclose(length, 0.0)
    return np.where(zero[:, None], 0.0, vectors / np.where(zero, 1.0, length)[:, None]), np.abs(a) * length


@misconception(
    "neuron_directions",
    belief="The direction is that of the weights; the bias is left out.",
    hint="How many numbers are there in one row of units, and what is the last of them?",
    fails=("condensed_groups",),
)
def neuron_directions__bias_left_out(w, b, a):
    length = np.linalg.norm(w, axis=1)
    return w / np.where(length > 0, length, 1.0)[:, None], np.abs(a) * length


@misconception(
    "neuron_directions",
    belief="The length is that of the weights, with the bias appended afterwards.",
    hint="Compute the length of one row of your units: (w_j, b_j) together should have length 1.",
    fails=("condensed_groups",),
)
def neuron_directions__length_of_the_weights(w, b, a):
    length = np.linalg.norm(w, axis=1)
    units = np.column_stack([w, b]) / np.where(length > 0, length, 1.0)[:, None]
    return units, np.abs(a) * length


@misconception(
    "neuron_directions",
    belief="The bias comes first, as in a polynomial.",
    hint="In which order do w_j and b_j stand in the vector of the exercise?",
    fails=("condensed_groups",),
)
def neuron_directions__bias_first(w, b, a):
    units, amplitude = _directions(w, b, a)
    return np.roll(units, 1, axis=1), amplitude


@misconception(
    "neuron_directions",
    belief="The amplitude keeps the sign of a.",
    hint="An amplitude says how strong a neuron is. Can it be negative?",
    fails=("condensed_groups",),
)
def neuron_directions__signed_amplitude(w, b, a):
    units, amplitude = _directions(w, b, a)
    return units, amplitude * np.sign(a)


@misconception(
    "neuron_directions",
    belief="The sign of a belongs to the direction.",
    hint="Is the direction of a neuron that of (w_j, b_j), or does a_j turn it around?",
    fails=("condensed_groups",),
)
def neuron_directions__sign_of_a_in_the_direction(w, b, a):
    units, amplitude = _directions(w, b, a)
    return units * np.sign(a)[:, None], amplitude


@misconception(
    "neuron_directions",
    belief="The amplitude is |a|.",
    hint="Double w_j and b_j and halve a_j: the network computes the same. Does your amplitude stay the same?",
    fails=("condensed_groups",),
)
def neuron_directions__amplitude_is_a(w, b, a):
    units, amplitude = _directions(w, b, a)
    return units, np.where(amplitude > 0, np.abs(a), 0.0)


@misconception(
    "neuron_directions",
    belief="The amplitude is the length of (w_j, b_j).",
    hint="Where does the output weight enter your amplitude?",
    fails=("condensed_groups",),
)
def neuron_directions__amplitude_without_a(w, b, a):
    return _directions(w, b, a)[0], np.linalg.norm(np.column_stack([w, b]), axis=1)


@misconception(
    "neuron_directions",
    belief="One length for the whole matrix.",
    hint="np.linalg.norm of a matrix without an axis gives a single number. How many lengths are needed?",
    fails=("condensed_groups",),
)
def neuron_directions__one_length_for_all(w, b, a):
    vectors = np.column_stack([w, b])
    length = np.linalg.norm(vectors)
    return vectors / length, np.abs(a) * length


@misconception(
    "neuron_directions",
    belief="Adding 1e-8 to the length avoids the division by zero and changes nothing.",
    hint=(
        "After a small initialization (w_j, b_j) is short itself. What does a small number that is added to "
        "its length do then?"
    ),
    fails=("condensed_groups",),
    visible=False,
)
def neuron_directions__number_added_to_the_length(w, b, a):
    vectors = np.column_stack([w, b])
    length = np.linalg.norm(vectors, axis=1)
    return np.where(length[:, None] > 0.01, _directions(w, b, a)[0], vectors / (length[:, None] + 1e-6)), np.abs(
        a
    ) * length


@misconception(
    "neuron_directions",
    belief="A neuron of amplitude 0 has no direction.",
    hint="Which neurons give a zero vector, by the exercise? Is a neuron with a_j = 0 one of them?",
    fails=("condensed_groups",),
)
def neuron_directions__no_direction_without_amplitude(w, b, a):
    units, amplitude = _directions(w, b, a)
    return np.where(amplitude[:, None] > 0, units, 0.0), amplitude


@misconception(
    "condensed_groups",
    belief="A direction and its negative are the same line.",
    hint=(
        "Can two neurons of opposite directions be active at the same inputs? Look at what you do with "
        "negative cosines."
    ),
    fails=("condensed_groups",),
)
def condensed_groups__sign_merged(units, amplitude, cos_threshold, min_amplitude):
    kept = units[amplitude > min_amplitude]
    return _components(np.abs(kept @ kept.T) >= cos_threshold)


@misconception(
    "condensed_groups",
    belief="A neuron belongs to a group if it is close to the group's first member.",
    hint=(
        "A is close to B and B to C, but A not to C. Are they one group, and does the order of the neurons "
        "matter to yours?"
    ),
    fails=("condensed_groups",),
)
def condensed_groups__compared_with_the_first_member(units, amplitude, cos_threshold, min_amplitude):
    first = []
    for unit in units[amplitude > min_amplitude]:
        if not any(unit @ other >= cos_threshold for other in first):
            first.append(unit)
    return len(first)


@misconception(
    "condensed_groups",
    belief="A neuron joins the first group that has a member close to it; groups are never merged.",
    hint="What if a new neuron is close to two groups that were separate until then?",
    fails=("condensed_groups",),
)
def condensed_groups__groups_never_merged(units, amplitude, cos_threshold, min_amplitude):
    groups = []
    for unit in units[amplitude > min_amplitude]:
        for group in groups:
            if any(unit @ other >= cos_threshold for other in group):
                group.append(unit)
                break
        else:
            groups.append([unit])
    return len(groups)


@misconception(
    "condensed_groups",
    belief="One pass over friends of friends is enough.",
    hint="How long can a chain of neighbours be, and how many steps along it does your code follow?",
    fails=("condensed_groups",),
)
def condensed_groups__friends_of_friends(units, amplitude, cos_threshold, min_amplitude):
    kept = units[amplitude > min_amplitude]
    joined = (kept @ kept.T >= cos_threshold).astype(int)
    return len(np.unique(joined @ joined > 0, axis=0)) if len(kept) else 0


@misconception(
    "condensed_groups",
    belief="Neurons with the same set of close neighbours make a group.",
    hint="Take a chain of three neurons, where the two ends are not close to each other. How many groups do you count?",
    fails=("condensed_groups",),
)
def condensed_groups__same_neighbours(units, amplitude, cos_threshold, min_amplitude):
    kept = units[amplitude > min_amplitude]
    return len(np.unique(kept @ kept.T >= cos_threshold, axis=0)) if len(kept) else 0


@misconception(
    "condensed_groups",
    belief="All neurons count, however weak.",
    hint="What is min_amplitude for, and where does it appear in your code?",
    fails=("condensed_groups",),
)
def condensed_groups__weak_neurons_counted(units, amplitude, cos_threshold, min_amplitude):
    return _components(units @ units.T >= cos_threshold)


@misconception(
    "condensed_groups",
    belief="Groups are made of all neurons; those without a strong member are dropped afterwards.",
    hint="Two strong neurons are far apart, with a weak one between them. May it connect them?",
    fails=("condensed_groups",),
)
def condensed_groups__weak_neurons_connect(units, amplitude, cos_threshold, min_amplitude):
    left, count = set(range(len(units))), 0
    while left:
        todo, strong = [left.pop()], False
        while todo:
            i = todo.pop()
            strong = strong or amplitude[i] > min_amplitude
            near = {j for j in left if units[i] @ units[j] >= cos_threshold}
            left -= near
            todo += near
        count += strong
    return int(count)


@misconception(
    "condensed_groups",
    belief="min_amplitude is a fraction of the largest amplitude.",
    hint="With which number is an amplitude compared in the exercise, and with which in your code?",
    fails=("condensed_groups",),
)
def condensed_groups__limit_relative_to_the_largest(units, amplitude, cos_threshold, min_amplitude):
    kept = units[amplitude > min_amplitude * np.max(amplitude, initial=0.0)]
    return _components(kept @ kept.T >= cos_threshold)


@misconception(
    "condensed_groups",
    belief="A neuron of exactly min_amplitude is strong enough.",
    hint="The amplitude has to be larger than the limit. What does your comparison do where they are equal?",
    fails=("condensed_groups",),
    visible=False,
)
def condensed_groups__limit_included(units, amplitude, cos_threshold, min_amplitude):
    kept = units[amplitude >= min_amplitude] if min_amplitude > 0 else units[amplitude > 0]
    return _components(kept @ kept.T >= cos_threshold)


@misconception(
    "condensed_groups",
    belief="A group has at least two members.",
    hint="A single strong neuron that is close to no other: is it a direction that the network uses?",
    fails=("condensed_groups",),
)
def condensed_groups__single_neurons_not_counted(units, amplitude, cos_threshold, min_amplitude):
    kept = units[amplitude > min_amplitude]
    joined = kept @ kept.T >= cos_threshold
    alone = joined.sum(axis=1) == 1
    return _components(joined) - int(alone.sum())


# product_gradients


def _new_product(b: float, c: float, x: float, y: float, lr: float) -> float:
    error = b * c * x - y
    return (b - lr * error * c * x) * (c - lr * error * b * x)


@misconception(
    "product_gradients",
    belief="The gradient with respect to a factor is that of the product's logarithm, divided by the factor.",
    hint="Your formula divides by b and by c. What is the gradient with respect to b where b is 0?",
    fails=("product_gradients",),
)
def product_gradients__divides_by_the_factor(b: float, c: float, x: float, y: float):
    common = (b * c * x - y) * b * c * x
    return common / b, common / c


@misconception(
    "product_gradients",
    belief="The derivative of the square brings a factor 2, and there is no ½.",
    hint="Write the loss down with all its factors and differentiate it once more.",
    fails=("product_gradients",),
)
def product_gradients__factor_2(b, c, x, y):
    error = b * c * x - y
    return 2 * error * c * x, 2 * error * b * x


@misconception(
    "product_gradients",
    belief="The residual is y − bcx, and so is the sign of the gradient.",
    hint="The prediction is too small, b and c and x are positive. Must b grow or shrink, and what does b − lr·db do?",
    fails=("product_gradients",),
)
def product_gradients__sign(b, c, x, y):
    error = y - b * c * x
    return error * c * x, error * b * x


@misconception(
    "product_gradients",
    belief="The gradient of b is multiplied by b.",
    hint="What stays of the product b·c·x when you differentiate it with respect to b?",
    fails=("product_gradients",),
)
def product_gradients__swapped(b, c, x, y):
    error = b * c * x - y
    return error * b * x, error * c * x


@misconception(
    "product_gradients",
    belief="The input is no part of the gradient.",
    hint="Check the chain rule: the prediction is b·c·x. Try an input other than 1.",
    fails=("product_gradients",),
)
def product_gradients__input_missing(b, c, x, y):
    error = b * c * x - y
    return error * c, error * b


@misconception(
    "product_gradients",
    belief="b and c get the gradient of the product a.",
    hint="The chain rule goes on from a = b·c to b. What is the derivative of a with respect to b?",
    fails=("product_gradients",),
)
def product_gradients__gradient_of_the_product(b, c, x, y):
    error = b * c * x - y
    return error * x, error * x


@misconception(
    "effective_step",
    belief="To first order is good enough: lr · residual · x · (b² + c²).",
    hint="Take a large learning rate, update b and c by hand and multiply. What is missing in your result?",
    fails=("product_gradients",),
)
def effective_step__first_order(b, c, x, y, lr):
    return lr * (y - b * c * x) * x * (b**2 + c**2)


@misconception(
    "effective_step",
    belief="b is updated first, and c then sees the new b.",
    hint="Both gradients belong to the same point. Which b does your gradient of c use?",
    fails=("product_gradients",),
)
def effective_step__one_after_the_other(b, c, x, y, lr):
    new_b = b + lr * (y - b * c * x) * c * x
    new_c = c + lr * (y - new_b * c * x) * new_b * x
    return new_b * new_c - b * c


@misconception(
    "effective_step",
    belief="The result is the new product.",
    hint="The function should return how much a changes. What should it be where the prediction is already right?",
    fails=("product_gradients",),
)
def effective_step__new_product(b, c, x, y, lr):
    return _new_product(b, c, x, y, lr)


@misconception(
    "effective_step",
    belief="The product moves as a single parameter a would.",
    hint="Nothing in your result depends on how a is split into b and c. Try b = c = 0.",
    fails=("product_gradients",),
)
def effective_step__step_of_one_parameter(b, c, x, y, lr):
    return lr * (y - b * c * x) * x


@misconception(
    "effective_step",
    belief="The changes of b and c are multiplied.",
    hint="Multiply out (b + Δb)(c + Δc). Which of the terms does your result hold?",
    fails=("product_gradients",),
)
def effective_step__product_of_the_changes(b, c, x, y, lr):
    error = b * c * x - y
    return lr**2 * error**2 * x**2 * b * c


@misconception(
    "effective_step",
    belief="The step is against the change: a(before) − a(after).",
    hint="In which direction should the product move if the prediction is too small?",
    fails=("product_gradients",),
)
def effective_step__sign(b, c, x, y, lr):
    return b * c - _new_product(b, c, x, y, lr)


# two_layer_train


@misconception(
    "two_layer_train",
    belief="The loss has a ½, so its gradient has no 2.",
    hint=(
        "Which factor does the derivative of the square bring, and is there anything in the loss of this "
        "exercise to cancel it?"
    ),
    fails=("two_layer_train",),
)
def two_layer_train__factor_2_missing(X, y, w, b, a, lr, steps):
    return _train(X, y, w, b, a, lr / 2, steps)


@misconception(
    "two_layer_train",
    belief="The loss is ½·mean, its gradient right for the loss without ½.",
    hint="The parameters are right, the losses are not. Compare the loss that you record with the one in the text.",
    fails=("two_layer_train",),
)
def two_layer_train__half_the_loss_recorded(X, y, w, b, a, lr, steps):
    return _train(X, y, w, b, a, lr, steps, loss=lambda error: np.mean(error**2) / 2)


@misconception(
    "two_layer_train",
    belief="The loss is the sum over the samples.",
    hint="Train on the same data twice over. Should the result change?",
    fails=("two_layer_train",),
)
def two_layer_train__sum_over_samples(X, y, w, b, a, lr, steps):
    return _train(X, y, w, b, a, lr * len(y), steps, loss=lambda error: np.sum(error**2))


@misconception(
    "two_layer_train",
    belief="A parameter can be updated as soon as its gradient is known.",
    hint="All gradients belong to the same point. Does one of them use a parameter that has been updated already?",
    fails=("two_layer_train",),
)
def two_layer_train__updated_one_after_the_other(X, y, w, b, a, lr, steps):
    losses = []
    for step in range(steps + 1):
        f = X @ w.T + b
        h = np.maximum(f, 0)
        error = h @ a - y
        losses.append(np.mean(error**2))
        if step < steps:
            dout = 2 * error / len(y)
            a = a - lr * h.T @ dout
            df = np.outer(dout, a) * (f > 0)
            w, b = w - lr * df.T @ X, b - lr * df.sum(axis=0)
    return w, b, a, np.array(losses)


@misconception(
    "two_layer_train",
    belief="Losses are recorded before each step; the last parameters have none.",
    hint=(
        "Count: how many parameter values does a training of one step pass through, and how many losses belong to them?"
    ),
    fails=("two_layer_train",),
)
def two_layer_train__last_loss_missing(X, y, w, b, a, lr, steps):
    w, b, a, losses = _train(X, y, w, b, a, lr, steps)
    return w, b, a, losses[:-1]


@misconception(
    "two_layer_train",
    belief="steps+1 losses mean steps+1 updates.",
    hint="With steps = 0 nothing may change. How often does your loop update the parameters then?",
    fails=("two_layer_train",),
)
def two_layer_train__one_step_too_many(X, y, w, b, a, lr, steps):
    w, b, a, losses = _train(X, y, w, b, a, lr, steps + 1)
    return w, b, a, losses[:-1]


@misconception(
    "two_layer_train",
    belief="ReLU′(0) = 1.",
    hint="A neuron whose weights and bias are 0 has pre-activation 0 for every input. Should it move?",
    fails=("two_layer_train",),
)
def two_layer_train__slope_1_at_zero(X, y, w, b, a, lr, steps):
    def gradients(X, f, h, error, a):
        df = np.outer(2 * error / len(error), a) * (f >= 0)
        return df.T @ X, df.sum(axis=0), h.T @ (2 * error / len(error))

    return _train(X, y, w, b, a, lr, steps, gradients)


@misconception(
    "two_layer_train",
    belief="The gradient passes through the hidden layer unchanged.",
    hint="Which hidden units can change the output at a given sample, and which cannot?",
    fails=("two_layer_train",),
)
def two_layer_train__mask_missing(X, y, w, b, a, lr, steps):
    def gradients(X, f, h, error, a):
        df = np.outer(2 * error / len(error), a)
        return df.T @ X, df.sum(axis=0), h.T @ (2 * error / len(error))

    return _train(X, y, w, b, a, lr, steps, gradients)


@misconception(
    "two_layer_train",
    belief="The output weight plays no part in the gradient of the hidden layer.",
    hint="How does the output depend on a hidden unit: with which factor?",
    fails=("two_layer_train",),
)
def two_layer_train__output_weight_missing(X, y, w, b, a, lr, steps):
    def gradients(X, f, h, error, a):
        return _gradients(X, f, h, error, np.ones_like(a))

    return _train(X, y, w, b, a, lr, steps, gradients)


@misconception(
    "two_layer_train",
    belief="The gradient of the biases is the mean over the samples, after the loss's 1/n.",
    hint="Your biases are too slow by a factor. How often has the mean over the samples been taken?",
    fails=("two_layer_train",),
)
def two_layer_train__bias_gradient_averaged_twice(X, y, w, b, a, lr, steps):
    def gradients(X, f, h, error, a):
        dw, db, da = _gradients(X, f, h, error, a)
        return dw, db / len(error), da

    return _train(X, y, w, b, a, lr, steps, gradients)


@misconception(
    "two_layer_train",
    belief="Only the weights are trained.",
    hint="Which of w, b and a are the same before and after your training?",
    fails=("two_layer_train",),
)
def two_layer_train__biases_not_trained(X, y, w, b, a, lr, steps):
    def gradients(X, f, h, error, a):
        dw, db, da = _gradients(X, f, h, error, a)
        return dw, np.zeros_like(db), da

    return _train(X, y, w, b, a, lr, steps, gradients)


@misconception(
    "two_layer_train",
    belief="The first layer is fixed, as random features; only a is trained.",
    hint="Which of w, b and a are the same before and after your training?",
    fails=("two_layer_train",),
)
def two_layer_train__only_the_output_trained(X, y, w, b, a, lr, steps):
    def gradients(X, f, h, error, a):
        dw, db, da = _gradients(X, f, h, error, a)
        return np.zeros_like(dw), np.zeros_like(db), da

    return _train(X, y, w, b, a, lr, steps, gradients)


@misconception(
    "two_layer_train",
    belief="w -= lr·dw is the same as w = w − lr·dw.",
    hint="Look at the initial weights after the call: whose array does -= change?",
    fails=("two_layer_train",),
)
def two_layer_train__in_place(X, y, w, b, a, lr, steps):
    new = _train(X, y, w, b, a, lr, steps)
    w[:], b[:], a[:] = new[:3]
    return w, b, a, new[3]


@misconception(
    "two_layer_train",
    belief="A ReLU stands on the output too.",
    hint="Can your network predict a negative number? Should it be able to?",
    fails=("two_layer_train",),
)
def two_layer_train__relu_on_the_output(X, y, w, b, a, lr, steps):
    losses = []
    for step in range(steps + 1):
        f = X @ w.T + b
        h = np.maximum(f, 0)
        error = np.maximum(h @ a, 0) - y
        losses.append(np.mean(error**2))
        if step < steps:
            dw, db, da = _gradients(X, f, h, error * (h @ a > 0), a)
            w, b, a = w - lr * dw, b - lr * db, a - lr * da
    return w, b, a, np.array(losses)
