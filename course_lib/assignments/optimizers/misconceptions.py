"""Known-wrong solutions of optimizers, as a student would write them."""

from __future__ import annotations

import math
import random

import numpy as np

from course_lib.checking.model import misconception

# ---------------------------------------------------------------------------------------------- gradient_descent


@misconception(
    "gradient_descent",
    belief="The gradient points to where the loss falls.",
    hint="The gradient points uphill. In which direction does your step go?",
    fails=("gradient_descent",),
)
def gradient_descent__goes_uphill(grad, w0, lr, steps):
    path = [w0]
    for _ in range(steps):
        path.append(path[-1] + lr * grad(path[-1]))
    return np.stack(path)


@misconception(
    "gradient_descent",
    belief="The path holds the results of the steps; the start is not one of them.",
    hint="Count the points of your path for one step. Where does the path begin?",
    fails=("gradient_descent",),
)
def gradient_descent__path_without_start(grad, w0, lr, steps):
    w, path = w0, np.zeros((steps, *w0.shape))
    for k in range(steps):
        w = w - lr * grad(w)
        path[k] = w
    return path


@misconception(
    "gradient_descent",
    belief="Recording the point before each step records all points.",
    hint="Follow your loop for a single step: is the point that this step reaches in the path?",
    fails=("gradient_descent",),
)
def gradient_descent__last_point_missing(grad, w0, lr, steps):
    w, path = w0, np.zeros((steps, *w0.shape))
    for k in range(steps):
        path[k] = w
        w = w - lr * grad(w)
    return path


@misconception(
    "gradient_descent",
    belief="There is at least one step.",
    hint="Call your function with steps = 0. Which array does it stack?",
    fails=("gradient_descent",),
    visible=False,
)
def gradient_descent__takes_a_step_for_granted(grad, w0, lr, steps):
    w, points = w0, []
    for _ in range(steps):
        w = w - lr * grad(w)
        points.append(w)
    return np.concatenate([w0[None], np.stack(points)])


@misconception(
    "gradient_descent",
    belief="Appending an array to a list stores its present values.",
    hint="A list holds references. What happens to the points that are already in it when you change w in place?",
    fails=("gradient_descent",),
)
def gradient_descent__same_array_appended(grad, w0, lr, steps):
    w = w0.copy()
    path = [w]
    for _ in range(steps):
        w -= lr * grad(w)
        path.append(w)
    return np.stack(path)


@misconception(
    "gradient_descent",
    belief="w = w0 makes a copy.",
    hint="After your function ran, look at the array that was passed in as w0.",
    fails=("gradient_descent",),
)
def gradient_descent__changes_the_start(grad, w0, lr, steps):
    w = w0
    path = [w.copy()]
    for _ in range(steps):
        w -= lr * grad(w)
        path.append(w.copy())
    return np.stack(path)


@misconception(
    "gradient_descent",
    belief="The gradient is computed once, at the start.",
    hint="At which point do you evaluate the gradient in the second step?",
    fails=("gradient_descent",),
)
def gradient_descent__gradient_of_the_start(grad, w0, lr, steps):
    g = grad(w0)
    return np.stack([w0 - k * lr * g for k in range(steps + 1)])


@misconception(
    "gradient_descent",
    belief="Only the direction of the gradient counts; lr is the length of the step.",
    hint="How long should a step be where the gradient is twice as large?",
    fails=("gradient_descent",),
)
def gradient_descent__unit_length_gradient(grad, w0, lr, steps):
    path = [w0]
    for _ in range(steps):
        g = grad(path[-1])
        path.append(path[-1] - lr * g / (np.linalg.norm(g) + 1e-12))
    return np.stack(path)


@misconception(
    "gradient_descent",
    belief="What is wanted is the final point.",
    hint="Which of the points that you visited does your function return?",
    fails=("gradient_descent",),
)
def gradient_descent__final_point_only(grad, w0, lr, steps):
    w = w0.copy()
    for _ in range(steps):
        w = w - lr * grad(w)
    return w


@misconception(
    "gradient_descent",
    belief="Parameters are vectors.",
    hint="Try it with a matrix of parameters: which shape has one point of your path?",
    fails=("gradient_descent",),
)
def gradient_descent__flattened_path(grad, w0, lr, steps):
    path = np.zeros((steps + 1, w0.size))
    path[0] = w0.ravel()
    for k in range(steps):
        path[k + 1] = path[k] - lr * grad(path[k].reshape(w0.shape)).ravel()
    return path


@misconception(
    "gradient_descent",
    belief="The learning rate falls with the number of the step.",
    hint="Compare the factor in front of the gradient in the first step with that in the second.",
    fails=("gradient_descent",),
)
def gradient_descent__falling_rate(grad, w0, lr, steps):
    path = [w0]
    for k in range(steps):
        path.append(path[-1] - lr / (k + 1) * grad(path[-1]))
    return np.stack(path)


@misconception(
    "gradient_descent",
    belief="Where the gradient is small the minimum is reached, and the descent may stop.",
    hint="Start very near a minimum and count the points of your path.",
    fails=("gradient_descent",),
    visible=False,
)
def gradient_descent__stops_at_small_gradients(grad, w0, lr, steps):
    path = [w0]
    for _ in range(steps):
        g = grad(path[-1])
        if np.linalg.norm(g) < 1e-3:
            break
        path.append(path[-1] - lr * g)
    return np.stack(path)


@misconception(
    "gradient_descent",
    belief="A list of points is as good as an array.",
    hint="Which type has your path? Try path[:, 0], as a plot of the path would.",
    fails=("gradient_descent",),
)
def gradient_descent__returns_a_list(grad, w0, lr, steps):
    path = [w0]
    for _ in range(steps):
        path.append(path[-1] - lr * grad(path[-1]))
    return path


# --------------------------------------------------------------------------------------------------- minibatches


@misconception(
    "minibatches",
    belief="Cutting the data into pieces is enough.",
    hint="Print the first batch. Would you call its order random?",
    fails=("minibatches",),
)
def minibatches__not_shuffled(n, batch_size, seed):
    return [np.arange(start, min(start + batch_size, n)) for start in range(0, n, batch_size)]


@misconception(
    "minibatches",
    belief="All batches must have the same size, so the rest is left out.",
    hint="Take 10 samples in batches of 4 and count the indices in your batches.",
    fails=("minibatches",),
)
def minibatches__rest_dropped(n, batch_size, seed):
    order = np.random.default_rng(seed).permutation(n)
    return [order[k * batch_size : (k + 1) * batch_size] for k in range(n // batch_size)]


@misconception(
    "minibatches",
    belief="np.array_split into ⌈n / batch_size⌉ parts makes batches of batch_size.",
    hint="Take 10 samples in batches of 4 and look at the sizes, one by one.",
    fails=("minibatches",),
)
def minibatches__evenly_sized(n, batch_size, seed):
    order = np.random.default_rng(seed).permutation(n)
    return np.array_split(order, math.ceil(n / batch_size))


@misconception(
    "minibatches",
    belief="A batch is a fresh random choice among all samples.",
    hint="Count how often each index occurs in one epoch.",
    fails=("minibatches",),
)
def minibatches__drawn_with_replacement(n, batch_size, seed):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, n, min(batch_size, n - start)) for start in range(0, n, batch_size)]


@misconception(
    "minibatches",
    belief="Shuffling the batches shuffles the data.",
    hint="Which samples share a batch with sample 0? Could it be others, with another seed?",
    fails=("minibatches",),
    visible=False,
)
def minibatches__only_batches_shuffled(n, batch_size, seed):
    full = [np.arange(k * batch_size, (k + 1) * batch_size) for k in range(n // batch_size)]
    order = np.random.default_rng(seed).permutation(len(full))
    rest = [np.arange(n - n % batch_size, n)] if n % batch_size else []
    return [full[k] for k in order] + rest


@misconception(
    "minibatches",
    belief="Shuffling within each batch shuffles the data.",
    hint="Can the last sample come into the first batch?",
    fails=("minibatches",),
    visible=False,
)
def minibatches__shuffled_within_batches(n, batch_size, seed):
    rng = np.random.default_rng(seed)
    return [rng.permutation(np.arange(start, min(start + batch_size, n))) for start in range(0, n, batch_size)]


@misconception(
    "minibatches",
    belief="In a shuffle written by hand, each index is exchanged with one of those before it.",
    hint="Shuffle 0, 1, 2 many times and count how often 0 comes first. May an index stay where it is?",
    fails=("minibatches",),
    visible=False,
)
def minibatches__no_index_stays(n, batch_size, seed):
    rng = np.random.default_rng(seed)
    order = np.arange(n)
    for i in range(n - 1, 0, -1):
        j = rng.integers(0, i)  # a right shuffle draws from 0 … i
        order[i], order[j] = order[j], order[i]
    return [order[start : start + batch_size] for start in range(0, n, batch_size)]


@misconception(
    "minibatches",
    belief="The order starts at a random sample and goes on from there.",
    hint="Which index follows which in your order? Look at several neighbours.",
    fails=("minibatches",),
    visible=False,
)
def minibatches__random_start_only(n, batch_size, seed):
    order = np.roll(np.arange(n), np.random.default_rng(seed).integers(1, n + 1))
    return [order[start : start + batch_size] for start in range(0, n, batch_size)]


@misconception(
    "minibatches",
    belief="Randomness needs no seed.",
    hint="Call your function twice with the same arguments and compare.",
    fails=("minibatches",),
)
def minibatches__seed_ignored(n, batch_size, seed):
    order = np.random.default_rng().permutation(n)
    return [order[start : start + batch_size] for start in range(0, n, batch_size)]


@misconception(
    "minibatches",
    belief="A fixed seed makes it reproducible.",
    hint="Call your function with two different seeds and compare.",
    fails=("minibatches",),
)
def minibatches__fixed_seed(n, batch_size, seed):
    order = np.random.default_rng(42).permutation(n)
    return [order[start : start + batch_size] for start in range(0, n, batch_size)]


@misconception(
    "minibatches",
    belief="There are n // batch_size full batches and one more.",
    hint="Take 6 samples in batches of 3. How many batches do you return, and what is in the last one?",
    fails=("minibatches",),
)
def minibatches__empty_last_batch(n, batch_size, seed):
    order = np.random.default_rng(seed).permutation(n)
    return [order[k * batch_size : (k + 1) * batch_size] for k in range(n // batch_size + 1)]


@misconception(
    "minibatches",
    belief="The last batch is filled up from the start.",
    hint="Take 10 samples in batches of 4: does any index occur twice?",
    fails=("minibatches",),
)
def minibatches__last_filled_up(n, batch_size, seed):
    order = np.random.default_rng(seed).permutation(n)
    return [np.resize(order, math.ceil(n / batch_size) * batch_size)[start : start + batch_size]
            for start in range(0, n, batch_size)]  # fmt: skip


@misconception(
    "minibatches",
    belief="batch_size is the number of batches.",
    hint="How many indices does your first batch hold for 10 samples and batch_size 2?",
    fails=("minibatches",),
)
def minibatches__number_of_batches(n, batch_size, seed):
    return np.array_split(np.random.default_rng(seed).permutation(n), batch_size)


@misconception(
    "minibatches",
    belief="Samples count from 1.",
    hint="Which index has the first row of X?",
    fails=("minibatches",),
)
def minibatches__counted_from_one(n, batch_size, seed):
    order = np.random.default_rng(seed).permutation(n) + 1
    return [order[start : start + batch_size] for start in range(0, n, batch_size)]


# ------------------------------------------------------------------------------------------------- momentum_step


@misconception(
    "momentum_step",
    belief="The velocity is an exponential average of the gradients.",
    hint="Start from v = 0 and make one step: by what is the gradient multiplied in v?",
    fails=("momentum_step",),
)
def momentum_step__exponential_average(w, g, v, lr, beta):
    v = beta * v + (1 - beta) * g
    return w - lr * v, v


@misconception(
    "momentum_step",
    belief="Momentum looks ahead, as Nesterov's does.",
    hint="Write down what moves w in your step: does it hold anything besides v?",
    fails=("momentum_step",),
)
def momentum_step__nesterov(w, g, v, lr, beta):
    v = beta * v + g
    return w - lr * (g + beta * v), v


@misconception(
    "momentum_step",
    belief="The step uses the velocity that came in.",
    hint="Which of the two velocities moves w, the one from before this gradient or the one after?",
    fails=("momentum_step",),
)
def momentum_step__old_velocity(w, g, v, lr, beta):
    return w - lr * v, beta * v + g


@misconception(
    "momentum_step",
    belief="The learning rate belongs into the velocity.",
    hint="Check your v for lr = 0: should it forget the gradient?",
    fails=("momentum_step",),
)
def momentum_step__rate_in_velocity(w, g, v, lr, beta):
    v = beta * v + lr * g
    return w - v, v


@misconception(
    "momentum_step",
    belief="The velocity points downhill.",
    hint="Compare the sign of your v with the sign of the gradient.",
    fails=("momentum_step",),
)
def momentum_step__velocity_downhill(w, g, v, lr, beta):
    v = beta * v - g
    return w + lr * v, v


@misconception(
    "momentum_step",
    belief="v *= beta is the same as v = beta * v.",
    hint="Look at the array that was passed in as v after your function ran.",
    fails=("momentum_step",),
)
def momentum_step__changes_the_velocity(w, g, v, lr, beta):
    v *= beta
    v += g
    return w - lr * v, v


@misconception(
    "momentum_step",
    belief="The decay rate weighs the new gradient.",
    hint="With beta = 0 nothing of the past should be left. What is left in yours?",
    fails=("momentum_step",),
)
def momentum_step__decays_the_gradient(w, g, v, lr, beta):
    v = v + beta * g
    return w - lr * v, v


@misconception(
    "momentum_step",
    belief="The velocity comes first in the result.",
    hint="In which order are the two results asked for?",
    fails=("momentum_step",),
)
def momentum_step__results_swapped(w, g, v, lr, beta):
    v = beta * v + g
    return v, w - lr * v


@misconception(
    "momentum_step",
    belief="A parameter has rows, so the loop goes over len(w).",
    hint="What is len(np.array(1.5))? A parameter may be a single number, without axes.",
    fails=("momentum_step",),
    visible=False,
)
def momentum_step__row_by_row(w, g, v, lr, beta):
    new_v = np.array([beta * v[i] + g[i] for i in range(len(w))])
    return np.array([w[i] - lr * new_v[i] for i in range(len(w))]), new_v


@misconception(
    "momentum_step",
    belief="Momentum is added to the plain step.",
    hint="How often does the gradient of this step act on w in yours?",
    fails=("momentum_step",),
)
def momentum_step__gradient_counted_twice(w, g, v, lr, beta):
    v = beta * v + g
    return w - lr * (g + v), v


# -------------------------------------------------------------------------------------------------- rmsprop_step


@misconception(
    "rmsprop_step",
    belief="ε belongs under the root.",
    hint="Set v = 0 and g = 0 and look at your denominator: is it ε?",
    fails=("rmsprop_step",),
)
def rmsprop_step__eps_inside_the_root(w, g, v, lr, gamma, eps):
    v = gamma * v + (1 - gamma) * g**2
    return w - lr * g / np.sqrt(v + eps), v


@misconception(
    "rmsprop_step",
    belief="γ weighs the new square.",
    hint="γ near 1 means a long memory. Which of the two terms is the memory?",
    fails=("rmsprop_step",),
)
def rmsprop_step__gamma_swapped(w, g, v, lr, gamma, eps):
    v = (1 - gamma) * v + gamma * g**2
    return w - lr * g / (np.sqrt(v) + eps), v


@misconception(
    "rmsprop_step",
    belief="v averages the gradient.",
    hint="Of what is v the mean? Try a negative gradient.",
    fails=("rmsprop_step",),
)
def rmsprop_step__gradient_not_squared(w, g, v, lr, gamma, eps):
    v = gamma * v + (1 - gamma) * np.abs(g)
    return w - lr * g / (np.sqrt(v) + eps), v


@misconception(
    "rmsprop_step",
    belief="The step uses the mean that came in.",
    hint="Make the first step from v = 0 by hand. How long is it?",
    fails=("rmsprop_step",),
)
def rmsprop_step__old_average(w, g, v, lr, gamma, eps):
    return w - lr * g / (np.sqrt(v) + eps), gamma * v + (1 - gamma) * g**2


@misconception(
    "rmsprop_step",
    belief="The step is divided by the mean square.",
    hint="Which unit has g divided by v, if g is measured in metres?",
    fails=("rmsprop_step",),
)
def rmsprop_step__root_missing(w, g, v, lr, gamma, eps):
    v = gamma * v + (1 - gamma) * g**2
    return w - lr * g / (v + eps), v


@misconception(
    "rmsprop_step",
    belief="v sums up all squares (as in AdaGrad).",
    hint="Keep the gradient at 1 for many steps: where should v end up, and where does yours?",
    fails=("rmsprop_step",),
)
def rmsprop_step__sum_of_squares(w, g, v, lr, gamma, eps):
    v = gamma * v + g**2
    return w - lr * g / (np.sqrt(v) + eps), v


@misconception(
    "rmsprop_step",
    belief="All parameters share one mean.",
    hint="Give two parameters very different gradients. Should they have the same v?",
    fails=("rmsprop_step",),
)
def rmsprop_step__one_average_for_all(w, g, v, lr, gamma, eps):
    v = gamma * v + (1 - gamma) * np.mean(g**2)
    return w - lr * g / (np.sqrt(v) + eps), v


@misconception(
    "rmsprop_step",
    belief="Where there is no mean yet, it begins with the first square.",
    hint="Put v = 0 into the recursion: which part of g² is the new v?",
    fails=("rmsprop_step",),
)
def rmsprop_step__starts_with_the_first_square(w, g, v, lr, gamma, eps):
    v = np.where(v == 0, g**2, gamma * v + (1 - gamma) * g**2)
    return w - lr * g / (np.sqrt(v) + eps), v


@misconception(
    "rmsprop_step",
    belief="A parameter has rows, so the loop goes over len(w).",
    hint="What is len(np.array(1.5))? A parameter may be a single number, without axes.",
    fails=("rmsprop_step",),
    visible=False,
)
def rmsprop_step__row_by_row(w, g, v, lr, gamma, eps):
    new_v = np.array([gamma * v[i] + (1 - gamma) * g[i] ** 2 for i in range(len(w))])
    return np.array([w[i] - lr * g[i] / (np.sqrt(new_v[i]) + eps) for i in range(len(w))]), new_v


@misconception(
    "rmsprop_step",
    belief="ε can be left out.",
    hint="What happens to a parameter whose gradient has always been zero?",
    fails=("rmsprop_step",),
)
def rmsprop_step__no_eps(w, g, v, lr, gamma, eps):
    v = gamma * v + (1 - gamma) * g**2
    return w - lr * g / np.sqrt(v), v


@misconception(
    "rmsprop_step",
    belief="v *= gamma is the same as v = gamma * v.",
    hint="Look at the array that was passed in as v after your function ran.",
    fails=("rmsprop_step",),
)
def rmsprop_step__changes_the_average(w, g, v, lr, gamma, eps):
    v *= gamma
    v += (1 - gamma) * g**2
    return w - lr * g / (np.sqrt(v) + eps), v


@misconception(
    "rmsprop_step",
    belief="ε limits the denominator from below.",
    hint="Is the denominator in the formula a sum or the larger of two numbers?",
    fails=("rmsprop_step",),
)
def rmsprop_step__eps_as_lower_limit(w, g, v, lr, gamma, eps):
    v = gamma * v + (1 - gamma) * g**2
    return w - lr * g / np.maximum(np.sqrt(v), eps), v


# ----------------------------------------------------------------------------------------------------- adam_step


@misconception(
    "adam_step",
    belief="Bias correction is a detail that can be left out.",
    hint="Work out the first step by hand, from m = v = 0: how long is it?",
    fails=("adam_step",),
)
def adam_step__no_correction(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m = beta * m + (1 - beta) * g
    v = gamma * v + (1 - gamma) * g**2
    return w - lr * m / (np.sqrt(v) + eps), m, v


@misconception(
    "adam_step",
    belief="The corrected means go on to the next step.",
    hint="Make two steps with the same gradient: is m after the second what the recursion says?",
    fails=("adam_step",),
)
def adam_step__corrected_means_kept(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m = beta * m + (1 - beta) * g
    v = gamma * v + (1 - gamma) * g**2
    if bias_correction:
        m, v = m / (1 - beta**t), v / (1 - gamma**t)
    return w - lr * m / (np.sqrt(v) + eps), m, v


@misconception(
    "adam_step",
    belief="t counts from 0, so the exponent is t + 1.",
    hint="Which value has t in the first step? Put it into your exponent.",
    fails=("adam_step",),
)
def adam_step__counts_from_zero(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m = beta * m + (1 - beta) * g
    v = gamma * v + (1 - gamma) * g**2
    m_hat, v_hat = (m / (1 - beta ** (t + 1)), v / (1 - gamma ** (t + 1))) if bias_correction else (m, v)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


@misconception(
    "adam_step",
    belief="t counts from 1, so t − 1 steps have been made and the exponent is t − 1.",
    hint="How often has (1 − β) g been added to m when the first step divides? And what is 1 − β⁰?",
    fails=("adam_step",),
)
def adam_step__counts_the_steps_before(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m = beta * m + (1 - beta) * g
    v = gamma * v + (1 - gamma) * g**2
    m_hat, v_hat = (m / (1 - beta ** (t - 1)), v / (1 - gamma ** (t - 1))) if bias_correction else (m, v)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


@misconception(
    "adam_step",
    belief="ε belongs under the root.",
    hint="Set g = 0 and v = 0 and look at your denominator: is it ε?",
    fails=("adam_step",),
)
def adam_step__eps_inside_the_root(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m = beta * m + (1 - beta) * g
    v = gamma * v + (1 - gamma) * g**2
    m_hat, v_hat = (m / (1 - beta**t), v / (1 - gamma**t)) if bias_correction else (m, v)
    return w - lr * m_hat / np.sqrt(v_hat + eps), m, v


@misconception(
    "adam_step",
    belief="Both corrections can be moved into the learning rate, and ε stays as it is.",
    hint="Your step differs from the formula when ε is large. To which quantity is ε added there?",
    fails=("adam_step",),
)
def adam_step__correction_moved_past_eps(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m = beta * m + (1 - beta) * g
    v = gamma * v + (1 - gamma) * g**2
    if bias_correction:
        lr = lr * np.sqrt(1 - gamma**t) / (1 - beta**t)
    return w - lr * m / (np.sqrt(v) + eps), m, v


@misconception(
    "adam_step",
    belief="β is the decay rate of v, γ that of m.",
    hint="Compare your recursions with the table of symbols, letter by letter.",
    fails=("adam_step",),
)
def adam_step__decay_rates_swapped(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m = gamma * m + (1 - gamma) * g
    v = beta * v + (1 - beta) * g**2
    m_hat, v_hat = (m / (1 - gamma**t), v / (1 - beta**t)) if bias_correction else (m, v)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


@misconception(
    "adam_step",
    belief="The correction is always wanted.",
    hint="What does your function do with its last argument?",
    fails=("adam_step",),
)
def adam_step__flag_ignored(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m = beta * m + (1 - beta) * g
    v = gamma * v + (1 - gamma) * g**2
    return w - lr * (m / (1 - beta**t)) / (np.sqrt(v / (1 - gamma**t)) + eps), m, v


@misconception(
    "adam_step",
    belief="Only the mean of the gradient is biased.",
    hint="Which of the two means starts at zero?",
    fails=("adam_step",),
)
def adam_step__only_m_corrected(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m = beta * m + (1 - beta) * g
    v = gamma * v + (1 - gamma) * g**2
    m_hat = m / (1 - beta**t) if bias_correction else m
    return w - lr * m_hat / (np.sqrt(v) + eps), m, v


@misconception(
    "adam_step",
    belief="The correction is a constant factor.",
    hint="How large should the correction be after 1000 steps? And in yours?",
    fails=("adam_step",),
)
def adam_step__power_missing(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m = beta * m + (1 - beta) * g
    v = gamma * v + (1 - gamma) * g**2
    m_hat, v_hat = (m / (1 - beta), v / (1 - gamma)) if bias_correction else (m, v)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


@misconception(
    "adam_step",
    belief="v averages the square of m.",
    hint="Of which quantity's square is v the mean?",
    fails=("adam_step",),
)
def adam_step__square_of_m(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m = beta * m + (1 - beta) * g
    v = gamma * v + (1 - gamma) * m**2
    m_hat, v_hat = (m / (1 - beta**t), v / (1 - gamma**t)) if bias_correction else (m, v)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


@misconception(
    "adam_step",
    belief="m is the velocity of the heavy ball.",
    hint="Keep the gradient at 1 for many steps: where should m end up, and where does yours?",
    fails=("adam_step",),
)
def adam_step__heavy_ball(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m = beta * m + g
    v = gamma * v + (1 - gamma) * g**2
    m_hat, v_hat = (m / (1 - beta**t), v / (1 - gamma**t)) if bias_correction else (m, v)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


@misconception(
    "adam_step",
    belief="The gradient itself is scaled by the root of v.",
    hint="What is the first mean m for, in your step?",
    fails=("adam_step",),
)
def adam_step__gradient_for_m(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m = beta * m + (1 - beta) * g
    v = gamma * v + (1 - gamma) * g**2
    v_hat = v / (1 - gamma**t) if bias_correction else v
    return w - lr * g / (np.sqrt(v_hat) + eps), m, v


@misconception(
    "adam_step",
    belief="Arguments may be updated in place.",
    hint="Look at the arrays that were passed in as m and v after your function ran.",
    fails=("adam_step",),
)
def adam_step__changes_the_means(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m *= beta
    m += (1 - beta) * g
    v *= gamma
    v += (1 - gamma) * g**2
    m_hat, v_hat = (m / (1 - beta**t), v / (1 - gamma**t)) if bias_correction else (m, v)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


# --------------------------------------------------------------------------------------------------------- adamw


def _adam(w, g, m, v, t, settings):
    """A right step of Adam; what is wrong below is what the class does around it."""
    lr, beta, gamma, eps = settings
    m = beta * m + (1 - beta) * g
    v = gamma * v + (1 - gamma) * g**2
    return w - lr * m / (1 - beta**t) / (np.sqrt(v / (1 - gamma**t)) + eps), m, v


class _State:
    def __init__(self, lr, beta, gamma, eps, weight_decay):
        self.settings, self.lr, self.decay = (lr, beta, gamma, eps), lr, weight_decay
        self.t, self.moments = 0, None

    def start(self, params):
        if self.moments is None:
            self.moments = [(np.zeros_like(w), np.zeros_like(w)) for w in params]

    def adam(self, i, w, g, t=None):
        w, *self.moments[i] = _adam(w, g, *self.moments[i], t or self.t, self.settings)
        return w


@misconception(
    "AdamW",
    belief="Weight decay is an L2 penalty in the gradient.",
    hint="Let the gradient be zero: does your step shrink w by the same factor, large or small?",
    fails=("adamw",),
)
class AdamW__l2_in_the_gradient(_State):  # noqa: N801
    def step(self, params, grads):
        self.start(params)
        self.t += 1
        return [self.adam(i, w, g + self.decay * w) for i, (w, g) in enumerate(zip(params, grads, strict=True))]


@misconception(
    "AdamW",
    belief="The decay has a rate of its own, independent of the learning rate.",
    hint="Let the gradient be zero and compare the factor by which w shrinks with the formula.",
    fails=("adamw",),
)
class AdamW__decay_without_rate(_State):  # noqa: N801
    def step(self, params, grads):
        self.start(params)
        self.t += 1
        return [self.adam(i, w, g) - self.decay * w for i, (w, g) in enumerate(zip(params, grads, strict=True))]


@misconception(
    "AdamW",
    belief="First comes Adam's step, then its result is shrunk.",
    hint="Which w does the decay in the formula multiply: the one before the step or the one after?",
    fails=("adamw",),
)
class AdamW__decays_the_result(_State):  # noqa: N801
    def step(self, params, grads):
        self.start(params)
        self.t += 1
        return [
            self.adam(i, w, g) * (1 - self.lr * self.decay) for i, (w, g) in enumerate(zip(params, grads, strict=True))
        ]


@misconception(
    "AdamW",
    belief="Each array that is updated is a step.",
    hint="Print t for a list of two arrays, over two calls of step.",
    fails=("adamw",),
)
class AdamW__count_per_array(_State):  # noqa: N801
    def step(self, params, grads):
        self.start(params)
        new = []
        for i, (w, g) in enumerate(zip(params, grads, strict=True)):
            self.t += 1
            new.append(self.adam(i, w, g) - self.lr * self.decay * w)
        return new


@misconception(
    "AdamW",
    belief="The step count stays what it was set to.",
    hint="Print t in the first three calls of step.",
    fails=("adamw",),
)
class AdamW__count_stands_still(_State):  # noqa: N801
    def step(self, params, grads):
        self.start(params)
        return [
            self.adam(i, w, g, t=1) - self.lr * self.decay * w
            for i, (w, g) in enumerate(zip(params, grads, strict=True))
        ]


@misconception(
    "AdamW",
    belief="A step is counted when it is done.",
    hint="Which value has t in the first call of step, and what is 1 − β^t then?",
    fails=("adamw",),
)
class AdamW__counts_after_the_step(_State):  # noqa: N801
    def step(self, params, grads):
        self.start(params)
        new = [
            self.adam(i, w, g) - self.lr * self.decay * w for i, (w, g) in enumerate(zip(params, grads, strict=True))
        ]
        self.t += 1
        return new


@misconception(
    "AdamW",
    belief="Names in the body of a class belong to each object.",
    hint="Make two optimizers, take a step with the first, and look at the moments of the second.",
    fails=("adamw",),
)
class AdamW__state_of_the_class:  # noqa: N801
    moments: dict = {}  # noqa: RUF012

    def __init__(self, lr, beta, gamma, eps, weight_decay):
        self.settings, self.shrink = (lr, beta, gamma, eps), lr * weight_decay
        self.t = 0

    def step(self, params, grads):
        self.t += 1
        new = []
        for i, (w, g) in enumerate(zip(params, grads, strict=True)):
            m, v = self.moments.get((i, w.shape), (np.zeros_like(w), np.zeros_like(w)))
            moved, m, v = _adam(w, g, m, v, self.t, self.settings)
            self.moments[i, w.shape] = m, v
            new.append(moved - self.shrink * w)
        return new


@misconception(
    "AdamW",
    belief="Setting AdamW.t in __init__ sets it for the new object.",
    hint="Make two optimizers, take two steps with the first and one with the second, and print the count of each.",
    fails=("adamw",),
    visible=False,
)
class AdamW__state_set_on_the_class:  # noqa: N801
    def __init__(self, lr, beta, gamma, eps, weight_decay):
        self.settings, self.shrink = (lr, beta, gamma, eps), lr * weight_decay
        type(self).t, type(self).moments = 0, {}

    def step(self, params, grads):
        state = type(self)
        state.t += 1
        new = []
        for i, (w, g) in enumerate(zip(params, grads, strict=True)):
            m, v = state.moments.get(i, (np.zeros_like(w), np.zeros_like(w)))
            moved, m, v = _adam(w, g, m, v, state.t, self.settings)
            state.moments[i] = m, v
            new.append(moved - self.shrink * w)
        return new


@misconception(
    "AdamW",
    belief="eps stands under the root, where it keeps v away from zero.",
    hint="Take eps = 1 and the gradient 1 in the first step. Is your step lr/2 or lr/√2?",
    fails=("adamw",),
)
class AdamW__eps_inside_the_root(_State):  # noqa: N801
    def step(self, params, grads):
        self.start(params)
        self.t += 1
        _, beta, gamma, eps = self.settings
        new = []
        for i, (w, g) in enumerate(zip(params, grads, strict=True)):
            m, v = self.moments[i]
            m, v = beta * m + (1 - beta) * g, gamma * v + (1 - gamma) * g**2
            self.moments[i] = m, v
            m_hat, v_hat = m / (1 - beta**self.t), v / (1 - gamma**self.t)
            new.append(w - self.lr * m_hat / np.sqrt(v_hat + eps) - self.lr * self.decay * w)
        return new


@misconception(
    "AdamW",
    belief="One m and one v serve all arrays.",
    hint="Give two arrays of the same shape different gradients. Should they have the same m?",
    fails=("adamw",),
)
class AdamW__one_state_for_all_positions:  # noqa: N801
    def __init__(self, lr, beta, gamma, eps, weight_decay):
        self.settings, self.shrink = (lr, beta, gamma, eps), lr * weight_decay
        self.t, self.moments = 0, {}

    def step(self, params, grads):
        self.t += 1
        new = []
        for w, g in zip(params, grads, strict=True):
            m, v = self.moments.get(w.shape, (np.zeros_like(w), np.zeros_like(w)))
            moved, *self.moments[w.shape] = _adam(w, g, m, v, self.t, self.settings)
            new.append(moved - self.shrink * w)
        return new


@misconception(
    "AdamW",
    belief="The moments start afresh in every step.",
    hint="What does the second call of step know of the first gradient?",
    fails=("adamw",),
)
class AdamW__forgets_its_state(_State):  # noqa: N801
    def step(self, params, grads):
        self.moments = None
        self.start(params)
        self.t += 1
        return [
            self.adam(i, w, g) - self.lr * self.decay * w for i, (w, g) in enumerate(zip(params, grads, strict=True))
        ]


@misconception(
    "AdamW",
    belief="AdamW is Adam for a list of arrays.",
    hint="Let the gradient be zero and weight_decay 0.5: does anything change?",
    fails=("adamw",),
)
class AdamW__decay_forgotten(_State):  # noqa: N801
    def step(self, params, grads):
        self.start(params)
        self.t += 1
        return [self.adam(i, w, g) for i, (w, g) in enumerate(zip(params, grads, strict=True))]


@misconception(
    "AdamW",
    belief="Biases and other vectors are not to be decayed.",
    hint="Which arrays does the formula exempt from the decay?",
    fails=("adamw",),
)
class AdamW__decays_matrices_only(_State):  # noqa: N801
    def step(self, params, grads):
        self.start(params)
        self.t += 1
        return [
            self.adam(i, w, g) - (self.lr * self.decay * w if w.ndim > 1 else 0.0)
            for i, (w, g) in enumerate(zip(params, grads, strict=True))
        ]


@misconception(
    "AdamW",
    belief="An optimizer updates the parameters in place.",
    hint="Look at the arrays that were passed in as params after step returned.",
    fails=("adamw",),
)
class AdamW__changes_the_parameters(_State):  # noqa: N801
    def step(self, params, grads):
        self.start(params)
        self.t += 1
        for i, (w, g) in enumerate(zip(params, grads, strict=True)):
            w[...] = self.adam(i, w, g) - self.lr * self.decay * w
        return params


@misconception(
    "AdamW",
    belief="The optimizer owns the parameters: what it got first is what it goes on with.",
    hint="Change the parameters between two calls of step. Does your second step see that?",
    fails=("adamw",),
    visible=False,
)
class AdamW__keeps_its_own_parameters(_State):  # noqa: N801
    def step(self, params, grads):
        if self.moments is None:
            self.params = [w.copy() for w in params]
        self.start(params)
        self.t += 1
        self.params = [
            self.adam(i, w, g) - self.lr * self.decay * w
            for i, (w, g) in enumerate(zip(self.params, grads, strict=True))
        ]
        return [w.copy() for w in self.params]


# ------------------------------------------------------------------------------------------------- warmup_cosine


def _cosine(progress, lr_max, lr_min):
    return lr_min + (lr_max - lr_min) * (1 + math.cos(math.pi * progress)) / 2


@misconception(
    "warmup_cosine",
    belief="The first step is number 1 of the warm-up.",
    hint="What is your rate at step 0, and at step warmup − 1?",
    fails=("warmup_cosine",),
)
def warmup_cosine__warmup_a_step_early(step, warmup, total, lr_max, lr_min):
    if step < warmup:
        return lr_max * (step + 1) / warmup
    return _cosine(min(1.0, (step - warmup) / (total - warmup)), lr_max, lr_min)


@misconception(
    "warmup_cosine",
    belief="Steps count from 1, so all of the schedule comes one step earlier.",
    hint="What is your rate at step 0? And at which step is it lr_max?",
    fails=("warmup_cosine",),
)
def warmup_cosine__counts_from_one(step, warmup, total, lr_max, lr_min):
    if step + 1 < warmup:
        return lr_max * (step + 1) / warmup
    return _cosine(min(1.0, (step + 1 - warmup) / (total - warmup)), lr_max, lr_min)


@misconception(
    "warmup_cosine",
    belief="The last step of the schedule is number total − 1.",
    hint="At which step should the rate reach lr_min? Where does yours?",
    fails=("warmup_cosine",),
)
def warmup_cosine__ends_a_step_early(step, warmup, total, lr_max, lr_min):
    if step < warmup:
        return lr_max * step / warmup
    return _cosine(min(1.0, (step - warmup) / max(1, total - 1 - warmup)), lr_max, lr_min)


@misconception(
    "warmup_cosine",
    belief="The warm-up ends after step warmup.",
    hint="What is your rate at step warmup?",
    fails=("warmup_cosine",),
)
def warmup_cosine__warmup_a_step_late(step, warmup, total, lr_max, lr_min):
    if step <= warmup:
        return lr_max * step / (warmup + 1)
    return _cosine(min(1.0, (step - warmup) / (total - warmup)), lr_max, lr_min)


@misconception(
    "warmup_cosine",
    belief="The cosine runs from step 0.",
    hint="Compare your rate at step warmup with the one just before it.",
    fails=("warmup_cosine",),
)
def warmup_cosine__cosine_from_zero(step, warmup, total, lr_max, lr_min):
    if step < warmup:
        return lr_max * step / warmup
    return _cosine(min(1.0, step / total), lr_max, lr_min)


@misconception(
    "warmup_cosine",
    belief="The decay takes total steps, after the warm-up.",
    hint="At which step should the rate reach lr_min? Where does yours?",
    fails=("warmup_cosine",),
)
def warmup_cosine__decay_of_total_steps(step, warmup, total, lr_max, lr_min):
    if step < warmup:
        return lr_max * step / warmup
    return _cosine(min(1.0, (step - warmup) / total), lr_max, lr_min)


@misconception(
    "warmup_cosine",
    belief="After the last step nobody asks for a rate.",
    hint="Plot your rate to twice the total number of steps.",
    fails=("warmup_cosine",),
)
def warmup_cosine__rises_again(step, warmup, total, lr_max, lr_min):
    if step < warmup:
        return lr_max * step / warmup
    return _cosine((step - warmup) / (total - warmup), lr_max, lr_min)


@misconception(
    "warmup_cosine",
    belief="After the last step the rate is zero.",
    hint="What is the rate after the end of the schedule, if lr_min is not zero?",
    fails=("warmup_cosine",),
)
def warmup_cosine__zero_after_the_end(step, warmup, total, lr_max, lr_min):
    if step < warmup:
        return lr_max * step / warmup
    return _cosine((step - warmup) / (total - warmup), lr_max, lr_min) if step <= total else 0.0


@misconception(
    "warmup_cosine",
    belief="A quarter of a cosine leads from 1 to 0.",
    hint="How steep is your curve where it ends? And halfway, is it halfway down?",
    fails=("warmup_cosine",),
)
def warmup_cosine__quarter_cosine(step, warmup, total, lr_max, lr_min):
    if step < warmup:
        return lr_max * step / warmup
    progress = min(1.0, (step - warmup) / (total - warmup))
    return lr_min + (lr_max - lr_min) * math.cos(math.pi / 2 * progress)


@misconception(
    "warmup_cosine",
    belief="The decay is a straight line.",
    hint="Compare your rate a quarter into the decay with one worked out by hand.",
    fails=("warmup_cosine",),
)
def warmup_cosine__linear_decay(step, warmup, total, lr_max, lr_min):
    if step < warmup:
        return lr_max * step / warmup
    progress = min(1.0, (step - warmup) / (total - warmup))
    return lr_max + (lr_min - lr_max) * progress


@misconception(
    "warmup_cosine",
    belief="The cosine is added to lr_min with the full height lr_max.",
    hint="Put step = warmup into your formula: is the result lr_max?",
    fails=("warmup_cosine",),
)
def warmup_cosine__full_height(step, warmup, total, lr_max, lr_min):
    if step < warmup:
        return lr_max * step / warmup
    progress = min(1.0, (step - warmup) / (total - warmup))
    return lr_min + lr_max * (1 + math.cos(math.pi * progress)) / 2


@misconception(
    "warmup_cosine",
    belief="The warm-up starts at lr_min.",
    hint="What is your rate at step 0, if lr_min is not zero?",
    fails=("warmup_cosine",),
)
def warmup_cosine__warmup_from_lr_min(step, warmup, total, lr_max, lr_min):
    if step < warmup:
        return lr_min + (lr_max - lr_min) * step / warmup
    return _cosine(min(1.0, (step - warmup) / (total - warmup)), lr_max, lr_min)


@misconception(
    "warmup_cosine",
    belief="There is always a warm-up.",
    hint="Try a schedule without warm-up.",
    fails=("warmup_cosine",),
)
def warmup_cosine__divides_by_zero(step, warmup, total, lr_max, lr_min):
    rising = lr_max * step / warmup
    return rising if step < warmup else _cosine(min(1.0, (step - warmup) / (total - warmup)), lr_max, lr_min)


# --------------------------------------------------------------------------------------------------------- train


def _forward(params, X):
    inputs, f = [X], X
    for k, (W, b) in enumerate(params):
        if k:
            inputs.append(np.maximum(f, 0.0))
        f = inputs[-1] @ W.T + b
    return f, inputs


def _loss(params, X, y):
    return ((_forward(params, X)[0] - y) ** 2).mean()


def _gradients(params, X, y, size=None):
    f, inputs = _forward(params, X)
    df = 2 * (f - y) / (size or y.size)
    grads = []
    for (W, _), h in zip(params[::-1], inputs[::-1], strict=True):
        grads.insert(0, (df.T @ h, df.sum(axis=0)))
        df = df @ W * (h > 0)
    return grads


def _moved(params, grads, lr):
    return [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads, strict=True)]


def _cut(order, batch_size):
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


@misconception(
    "train",
    belief="A last batch of another size does no good and is left out.",
    hint="Count the steps of one epoch with 5 samples in batches of 2.",
    fails=("train",),
)
def train__rest_dropped(X, y, params, lr, batch_size, epochs, seed):
    rng, losses = np.random.default_rng(seed), []
    for _ in range(epochs):
        order = rng.permutation(len(X))
        for k in range(len(X) // batch_size):
            batch = order[k * batch_size : (k + 1) * batch_size]
            params = _moved(params, _gradients(params, X[batch], y[batch]), lr)
        losses.append(_loss(params, X, y))
    return params, np.array(losses)


@misconception(
    "train",
    belief="One random order serves all epochs.",
    hint="Print the first batch of the first two epochs.",
    fails=("train",),
    visible=False,
)
def train__same_order_every_epoch(X, y, params, lr, batch_size, epochs, seed):
    losses = []
    for _ in range(epochs):
        for batch in _cut(np.random.default_rng(seed).permutation(len(X)), batch_size):
            params = _moved(params, _gradients(params, X[batch], y[batch]), lr)
        losses.append(_loss(params, X, y))
    return params, np.array(losses)


@misconception(
    "train",
    belief="The loss of an epoch is the one it begins with.",
    hint="With which parameters do you compute the last loss: those that you return?",
    fails=("train",),
)
def train__loss_before_the_epoch(X, y, params, lr, batch_size, epochs, seed):
    rng, losses = np.random.default_rng(seed), []
    for _ in range(epochs):
        losses.append(_loss(params, X, y))
        for batch in _cut(rng.permutation(len(X)), batch_size):
            params = _moved(params, _gradients(params, X[batch], y[batch]), lr)
    return params, np.array(losses)


@misconception(
    "train",
    belief="The loss of an epoch is the mean of its batches' losses.",
    hint="The parameters change from batch to batch. Which of them does the loss of an epoch belong to?",
    fails=("train",),
)
def train__mean_of_batch_losses(X, y, params, lr, batch_size, epochs, seed):
    rng, losses = np.random.default_rng(seed), []
    for _ in range(epochs):
        batch_losses = []
        for batch in _cut(rng.permutation(len(X)), batch_size):
            batch_losses.append(_loss(params, X[batch], y[batch]))
            params = _moved(params, _gradients(params, X[batch], y[batch]), lr)
        losses.append(np.mean(batch_losses))
    return params, np.array(losses)


@misconception(
    "train",
    belief="The loss of an epoch is that of its last batch.",
    hint="On which samples do you compute the loss of an epoch?",
    fails=("train",),
)
def train__loss_of_the_last_batch(X, y, params, lr, batch_size, epochs, seed):
    rng, losses = np.random.default_rng(seed), []
    for _ in range(epochs):
        for batch in _cut(rng.permutation(len(X)), batch_size):
            params = _moved(params, _gradients(params, X[batch], y[batch]), lr)
        losses.append(_loss(params, X[batch], y[batch]))
    return params, np.array(losses)


@misconception(
    "train",
    belief="Training changes the parameters that are passed in.",
    hint="Train twice from the same params. Is the second run the first one again?",
    fails=("train",),
)
def train__changes_the_parameters(X, y, params, lr, batch_size, epochs, seed):
    rng, losses = np.random.default_rng(seed), []
    for _ in range(epochs):
        for batch in _cut(rng.permutation(len(X)), batch_size):
            for (W, b), (dW, db) in zip(params, _gradients(params, X[batch], y[batch]), strict=True):
                W -= lr * dW  # noqa: PLW2901
                b -= lr * db  # noqa: PLW2901
        losses.append(_loss(params, X, y))
    return params, np.array(losses)


@misconception(
    "train",
    belief="The gradient of a batch is always divided by batch_size.",
    hint="Over how many samples does the mean in your last batch run?",
    fails=("train",),
)
def train__partial_batch_by_full_size(X, y, params, lr, batch_size, epochs, seed):
    rng, losses = np.random.default_rng(seed), []
    for _ in range(epochs):
        for batch in _cut(rng.permutation(len(X)), batch_size):
            grads = _gradients(params, X[batch], y[batch], size=batch_size * y.shape[1])
            params = _moved(params, grads, lr)
        losses.append(_loss(params, X, y))
    return params, np.array(losses)


@misconception(
    "train",
    belief="The mean runs over samples, and the outputs are summed.",
    hint="By how many numbers is your sum of squares divided, if there are two outputs?",
    fails=("train",),
)
def train__summed_over_outputs(X, y, params, lr, batch_size, epochs, seed):
    rng, losses = np.random.default_rng(seed), []
    for _ in range(epochs):
        for batch in _cut(rng.permutation(len(X)), batch_size):
            params = _moved(params, _gradients(params, X[batch], y[batch], size=len(batch)), lr)
        losses.append(_loss(params, X, y) * y.shape[1])
    return params, np.array(losses)


@misconception(
    "train",
    belief="The derivative of the square is the error.",
    hint="Differentiate (f − y)² once more: what does the square bring down?",
    fails=("train",),
)
def train__factor_two_missing(X, y, params, lr, batch_size, epochs, seed):
    rng, losses = np.random.default_rng(seed), []
    for _ in range(epochs):
        for batch in _cut(rng.permutation(len(X)), batch_size):
            params = _moved(params, _gradients(params, X[batch], y[batch], size=2 * y[batch].size), lr)
        losses.append(_loss(params, X, y))
    return params, np.array(losses)


@misconception(
    "train",
    belief="The order of the data is random enough.",
    hint="What does your function do with its seed?",
    fails=("train",),
)
def train__not_shuffled(X, y, params, lr, batch_size, epochs, seed):
    losses = []
    for _ in range(epochs):
        for batch in _cut(np.arange(len(X)), batch_size):
            params = _moved(params, _gradients(params, X[batch], y[batch]), lr)
        losses.append(_loss(params, X, y))
    return params, np.array(losses)


@misconception(
    "train",
    belief="A fixed seed makes it reproducible.",
    hint="Train with two different seeds and compare.",
    fails=("train",),
)
def train__fixed_seed(X, y, params, lr, batch_size, epochs, seed):
    rng, losses = np.random.default_rng(0), []
    for _ in range(epochs):
        for batch in _cut(rng.permutation(len(X)), batch_size):
            params = _moved(params, _gradients(params, X[batch], y[batch]), lr)
        losses.append(_loss(params, X, y))
    return params, np.array(losses)


@misconception(
    "train",
    belief="Training returns the best parameters that it has seen.",
    hint="Train with a rate that is too large. Which of your losses belongs to the parameters that you return?",
    fails=("train",),
    visible=False,
)
def train__best_parameters(X, y, params, lr, batch_size, epochs, seed):
    rng, losses, best = np.random.default_rng(seed), [], params
    for _ in range(epochs):
        for batch in _cut(rng.permutation(len(X)), batch_size):
            params = _moved(params, _gradients(params, X[batch], y[batch]), lr)
        losses.append(_loss(params, X, y))
        if losses[-1] == min(losses):
            best = params
    return best, np.array(losses)


@misconception(
    "train",
    belief="The losses begin with the one before training.",
    hint="Train for one epoch: how many losses do you return?",
    fails=("train",),
)
def train__loss_before_training_too(X, y, params, lr, batch_size, epochs, seed):
    rng, losses = np.random.default_rng(seed), [_loss(params, X, y)]
    for _ in range(epochs):
        for batch in _cut(rng.permutation(len(X)), batch_size):
            params = _moved(params, _gradients(params, X[batch], y[batch]), lr)
        losses.append(_loss(params, X, y))
    return params, np.array(losses)


@misconception(
    "train",
    belief="Randomness needs no seed.",
    hint="Train twice with the same seed and compare.",
    fails=("train",),
)
def train__seed_ignored(X, y, params, lr, batch_size, epochs, seed):
    losses = []
    for _ in range(epochs):
        order = list(range(len(X)))
        random.shuffle(order)
        for batch in _cut(np.array(order), batch_size):
            params = _moved(params, _gradients(params, X[batch], y[batch]), lr)
        losses.append(_loss(params, X, y))
    return params, np.array(losses)


@misconception(
    "train",
    belief="Targets can be shuffled on their own.",
    hint="Does row 3 of your shuffled X still belong to row 3 of your shuffled y?",
    fails=("train",),
)
def train__pairs_torn_apart(X, y, params, lr, batch_size, epochs, seed):
    rng, losses = np.random.default_rng(seed), []
    for _ in range(epochs):
        X, y = rng.permutation(X), rng.permutation(y)
        for batch in _cut(np.arange(len(X)), batch_size):
            params = _moved(params, _gradients(params, X[batch], y[batch]), lr)
        losses.append(_loss(params, X, y))
    return params, np.array(losses)


@misconception(
    "train",
    belief="All steps of an epoch use the gradients of its start.",
    hint="At which parameters do you compute the gradient of the second batch?",
    fails=("train",),
)
def train__gradients_of_the_epochs_start(X, y, params, lr, batch_size, epochs, seed):
    rng, losses = np.random.default_rng(seed), []
    for _ in range(epochs):
        start = params
        for batch in _cut(rng.permutation(len(X)), batch_size):
            params = _moved(params, _gradients(start, X[batch], y[batch]), lr)
        losses.append(_loss(params, X, y))
    return params, np.array(losses)


@misconception(
    "train",
    belief="A layer's weights can be updated as soon as their gradient is known.",
    hint="Which weights carry the error back to the layer below: those from before the step or after?",
    fails=("train",),
)
def train__updates_during_the_backward_pass(X, y, params, lr, batch_size, epochs, seed):
    rng, losses = np.random.default_rng(seed), []
    for _ in range(epochs):
        for batch in _cut(rng.permutation(len(X)), batch_size):
            f, inputs = _forward(params, X[batch])
            df, new = 2 * (f - y[batch]) / y[batch].size, []
            for (W, b), h in zip(params[::-1], inputs[::-1], strict=True):
                W, b = W - lr * df.T @ h, b - lr * df.sum(axis=0)  # noqa: PLW2901
                new.insert(0, (W, b))
                df = df @ W * (h > 0)
            params = new
        losses.append(_loss(params, X, y))
    return params, np.array(losses)
