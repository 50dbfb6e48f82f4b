"""Known-wrong solutions of backprop, as a student would write them."""

from __future__ import annotations

import numpy as np

from course_lib.checking.model import misconception

# ------------------------------------------------------------------------------------------------------ elementwise


@misconception(
    "relu_grad",
    belief="ReLU has slope 1 from zero on, the kink included.",
    hint="Which slope does the course give ReLU at exactly 0? It is written in the text of the exercise.",
    fails=("elementwise",),
)
def relu_grad__one_at_the_kink(z):
    return (z >= 0).astype(float)


@misconception(
    "relu_grad",
    belief="A comparison is as good as a number: True is 1.",
    hint="Look at the dtype of what you return. What happens to a mask of booleans under a minus sign?",
    fails=("elementwise",),
)
def relu_grad__returns_booleans(z):
    return z > 0


@misconception(
    "relu_grad",
    belief="The derivative of ReLU is ReLU.",
    hint="Draw max(0, z). How steep is it at z = 1, and how steep at z = 3?",
    fails=("elementwise",),
)
def relu_grad__relu_itself(z):
    return np.maximum(z, 0.0)


@misconception(
    "relu_grad",
    belief="The derivative may overwrite the pre-activations, they are not needed any more.",
    hint="Print your argument before and after the call.",
    fails=("elementwise",),
)
def relu_grad__in_place(z):
    z[z <= 0] = 0.0
    z[z > 0] = 1.0
    return z


@misconception(
    "sigmoid",
    belief="The formula of the lecture can be typed in as it stands.",
    hint="Evaluate each part of your formula at z = −1000. Which one is too large for a float64?",
    fails=("elementwise",),
    visible=False,
)
def sigmoid__overflows(z):
    return 1 / (1 + np.exp(-z))


@misconception(
    "sigmoid",
    belief="np.where evaluates only the branch that it takes.",
    hint="np.where picks from two arrays that have both been computed, for all z. What does the one not taken do?",
    fails=("elementwise",),
    visible=False,
)
def sigmoid__both_branches_evaluated(z):
    return np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))


@misconception(
    "sigmoid",
    belief="Beyond ±30 the sigmoid is 0 or 1 anyway, so clipping costs nothing.",
    hint="Compare your result with e^z at z = −100: for very negative z the two are equal.",
    fails=("elementwise",),
    visible=False,
)
def sigmoid__clipped(z):
    return 1 / (1 + np.exp(-np.clip(z, -30.0, 30.0)))


@misconception(
    "sigmoid",
    belief="½(1 + tanh(z/2)) is the same function, so it has the same digits.",
    hint="What is tanh(−20) in float64, and what is left of it after you add 1?",
    fails=("elementwise",),
    visible=False,
)
def sigmoid__through_tanh(z):
    return 0.5 * (1 + np.tanh(z / 2))


@misconception(
    "sigmoid",
    belief="The sign in the exponent does not matter.",
    hint="Should the sigmoid be near 0 or near 1 for large positive z? And yours?",
    fails=("elementwise",),
)
def sigmoid__sign_of_the_exponent(z):
    return np.exp(-np.logaddexp(0.0, z))


@misconception(
    "sigmoid_grad",
    belief="The argument is the sigmoid's value, as in a layer that stored its output.",
    hint="The derivative is with respect to z, and z is what comes in. What should the result at z = 0 be?",
    fails=("elementwise",),
)
def sigmoid_grad__argument_taken_for_the_output(z):
    return z * (1 - z)


@misconception(
    "sigmoid_grad",
    belief="σ′ = 1 − σ², by analogy with tanh.",
    hint="Differentiate 1/(1 + e^{−z}) by hand and compare at z = 0.",
    fails=("elementwise",),
)
def sigmoid_grad__rule_of_tanh(z):
    return 1 - np.exp(-np.logaddexp(0.0, -z)) ** 2


@misconception(
    "sigmoid_grad",
    belief="e^{−z}/(1 + e^{−z})² can be typed in as it stands.",
    hint="Try z = −800. The formula is even in z: is there a sign for which nothing grows large?",
    fails=("elementwise",),
    visible=False,
)
def sigmoid_grad__overflows(z):
    return np.exp(-z) / (1 + np.exp(-z)) ** 2


@misconception(
    "sigmoid_grad",
    belief="Beyond ±20 the derivative is zero anyway, so z can be clipped there.",
    hint="How large is your derivative at z = 1000? Compare it with the exact one, σ(z)·σ(−z).",
    fails=("elementwise",),
    visible=False,
)
def sigmoid_grad__clipped_at_twenty(z):
    e = np.exp(-np.abs(np.clip(z, -20, 20)))
    return e / (1 + e) ** 2


@misconception(
    "tanh_grad",
    belief="1 − tanh: the square is forgotten.",
    hint="The derivative of an odd function is even. Is yours the same at z and −z?",
    fails=("elementwise",),
)
def tanh_grad__square_missing(z):
    return 1 - np.tanh(z)


@misconception(
    "tanh_grad",
    belief="1/cosh² is the textbook formula and can be typed in as it stands.",
    hint="How large is cosh(1000), and is there another formula for the same derivative?",
    fails=("elementwise",),
    visible=False,
)
def tanh_grad__cosh_overflows(z):
    return 1 / np.cosh(z) ** 2


# ------------------------------------------------------------------------------------------------------ toy_forward


@misconception(
    "toy_forward",
    belief="ReLU comes after every linear step, the last one too.",
    hint="Can your network output a negative number? Should it be able to?",
    fails=("toy_forward",),
)
def toy_forward__relu_on_the_output(x, beta, omega):
    f, h = np.zeros(4), np.zeros(3)
    f[0] = beta[0] + omega[0] * x
    for k in range(3):
        h[k] = max(f[k], 0.0)
        f[k + 1] = beta[k + 1] + omega[k + 1] * h[k]
    f[3] = max(f[3], 0.0)
    return f, h


@misconception(
    "toy_forward",
    belief="h_k belongs to ω_{k−1}: same position in the array, same layer.",
    hint="Write down the index of ω that multiplies the first hidden unit, and the index your loop uses.",
    fails=("toy_forward",),
)
def toy_forward__weight_of_the_layer_before(x, beta, omega):
    f, h = np.zeros(4), np.zeros(3)
    f[0] = beta[0] + omega[0] * x
    for k in range(3):
        h[k] = max(f[k], 0.0)
        f[k + 1] = beta[k + 1] + omega[k] * h[k]
    return f, h


@misconception(
    "toy_forward",
    belief="The hidden units are linear until the end.",
    hint="Compare h with the pre-activation it comes from when that is negative.",
    fails=("toy_forward",),
)
def toy_forward__relu_missing(x, beta, omega):
    f, h = np.zeros(4), np.zeros(3)
    f[0] = beta[0] + omega[0] * x
    for k in range(3):
        h[k] = f[k]
        f[k + 1] = beta[k + 1] + omega[k + 1] * h[k]
    return f, h


@misconception(
    "toy_forward",
    belief="Every layer sees the input x.",
    hint="What feeds the second layer: the input, or the unit before it?",
    fails=("toy_forward",),
)
def toy_forward__input_into_every_layer(x, beta, omega):
    f = beta + omega * x
    return f, np.maximum(f[:3], 0.0)


@misconception(
    "toy_forward",
    belief="The bias is added after the activation.",
    hint="For which pre-activations does a unit fire: those where ω·h > 0, or those where β + ω·h > 0?",
    fails=("toy_forward",),
)
def toy_forward__bias_after_the_activation(x, beta, omega):
    f, h = np.zeros(4), np.zeros(3)
    f[0] = omega[0] * x
    for k in range(3):
        h[k] = max(f[k], 0.0) + beta[k]
        f[k + 1] = omega[k + 1] * h[k]
    f[3] += beta[3]
    return f, h


@misconception(
    "toy_forward",
    belief="The input passes through ReLU too.",
    hint="Try a negative x. Is x an activation?",
    fails=("toy_forward",),
)
def toy_forward__relu_on_the_input(x, beta, omega):
    f, h = np.zeros(4), np.zeros(3)
    f[0] = beta[0] + omega[0] * max(x, 0.0)
    for k in range(3):
        h[k] = max(f[k], 0.0)
        f[k + 1] = beta[k + 1] + omega[k + 1] * h[k]
    return f, h


@misconception(
    "toy_forward",
    belief="The activations include the input, so there are four.",
    hint="Count the hidden units, and read which shape h must have.",
    fails=("toy_forward",),
)
def toy_forward__input_among_the_activations(x, beta, omega):
    f, h = np.zeros(4), np.zeros(4)
    h[0] = x
    for k in range(4):
        f[k] = beta[k] + omega[k] * h[k]
        if k < 3:
            h[k + 1] = max(f[k], 0.0)
    return f, h


@misconception(
    "toy_forward",
    belief="h is only another name for the pre-activations that the next layer gets.",
    hint="Give the network a unit that is off. What does your h hold for it?",
    fails=("toy_forward",),
)
def toy_forward__activations_before_relu(x, beta, omega):
    f = np.zeros(4)
    f[0] = beta[0] + omega[0] * x
    for k in range(1, 4):
        f[k] = beta[k] + omega[k] * max(f[k - 1], 0.0)
    return f, f[:3].copy()


@misconception(
    "toy_forward",
    belief="A list of numbers is as good as an array.",
    hint="Compare 2 * [1.0, 2.0] with 2 * np.array([1.0, 2.0]). Which of the two do you return?",
    fails=("toy_forward",),
)
def toy_forward__returns_lists(x, beta, omega):
    f, h = [float(beta[0] + omega[0] * x)], []
    for k in range(1, 4):
        h.append(max(f[-1], 0.0))
        f.append(float(beta[k] + omega[k] * h[-1]))
    return f, h


# ----------------------------------------------------------------------------------------------------- toy_backward


def _toy_pass(x, beta, omega):
    """f as a list of 4, h as a list of 4 that starts with x."""
    f, h = [beta[0] + omega[0] * x], [x]
    for k in range(1, 4):
        h.append(max(f[-1], 0.0))
        f.append(beta[k] + omega[k] * h[-1])
    return f, h


@misconception(
    "toy_backward",
    belief="The derivative of (f − y)² is f − y.",
    hint="Differentiate the loss itself once more, by hand: what does the square bring down?",
    fails=("toy_backward",),
)
def toy_backward__factor_two_missing(x, y, beta, omega):
    f, h = _toy_pass(x, beta, omega)
    df = f[3] - y
    dbeta, domega = np.zeros(4), np.zeros(4)
    for k in range(3, -1, -1):
        dbeta[k], domega[k] = df, df * h[k]
        if k:
            df = df * omega[k] * (f[k - 1] > 0)
    return dbeta, domega


@misconception(
    "toy_backward",
    belief="The loss is (y − f)², so its derivative starts with y − f.",
    hint="If the output is too large, should a gradient step raise or lower the last bias? Which does yours do?",
    fails=("toy_backward",),
)
def toy_backward__sign_of_the_residual(x, y, beta, omega):
    f, h = _toy_pass(x, beta, omega)
    df = 2 * (y - f[3])
    dbeta, domega = np.zeros(4), np.zeros(4)
    for k in range(3, -1, -1):
        dbeta[k], domega[k] = df, df * h[k]
        if k:
            df = df * omega[k] * (f[k - 1] > 0)
    return dbeta, domega


@misconception(
    "toy_backward",
    belief="Going back from layer k multiplies by the weight of the layer one arrives at.",
    hint="Which weight connects h_3 to f_3? That is the one the gradient crosses first.",
    fails=("toy_backward",),
)
def toy_backward__weight_of_the_wrong_layer(x, y, beta, omega):
    f, h = _toy_pass(x, beta, omega)
    df = 2 * (f[3] - y)
    dbeta, domega = np.zeros(4), np.zeros(4)
    for k in range(3, -1, -1):
        dbeta[k], domega[k] = df, df * h[k]
        if k:
            df = df * omega[k - 1] * (f[k - 1] > 0)
    return dbeta, domega


@misconception(
    "toy_backward",
    belief="The first weight's gradient equals the first bias's: nothing lies between them and f_0.",
    hint="f_0 = β_0 + ω_0 x. What is ∂f_0/∂ω_0?",
    fails=("toy_backward",),
)
def toy_backward__input_missing_in_the_first_weight(x, y, beta, omega):
    f, h = _toy_pass(x, beta, omega)
    h[0] = 1.0
    df = 2 * (f[3] - y)
    dbeta, domega = np.zeros(4), np.zeros(4)
    for k in range(3, -1, -1):
        dbeta[k], domega[k] = df, df * h[k]
        if k:
            df = df * omega[k] * (f[k - 1] > 0)
    return dbeta, domega


@misconception(
    "toy_backward",
    belief="The derivative of ReLU is 1, as the units are active anyway.",
    hint="Make the second unit's bias very negative. Can a change of β_0 still reach the output?",
    fails=("toy_backward",),
)
def toy_backward__relu_ignored(x, y, beta, omega):
    f, h = _toy_pass(x, beta, omega)
    df = 2 * (f[3] - y)
    dbeta, domega = np.zeros(4), np.zeros(4)
    for k in range(3, -1, -1):
        dbeta[k], domega[k] = df, df * h[k]
        df = df * omega[k]
    return dbeta, domega


@misconception(
    "toy_backward",
    belief="ReLU′ is evaluated at the pre-activation of the layer that the gradient comes from.",
    hint="Which unit lies between f_{k−1} and f_k, and which pre-activation decides whether it is on?",
    fails=("toy_backward",),
)
def toy_backward__relu_grad_of_the_next_layer(x, y, beta, omega):
    f, h = _toy_pass(x, beta, omega)
    df = 2 * (f[3] - y)
    dbeta, domega = np.zeros(4), np.zeros(4)
    for k in range(3, -1, -1):
        dbeta[k], domega[k] = df, df * h[k]
        if k:
            df = df * omega[k] * (f[k] > 0)
    return dbeta, domega


@misconception(
    "toy_backward",
    belief="Every parameter's gradient is multiplied by the unit's input, the bias's too.",
    hint="What does the bias multiply in f_k = β_k + ω_k h_k?",
    fails=("toy_backward",),
)
def toy_backward__activation_in_the_bias_gradient(x, y, beta, omega):
    f, h = _toy_pass(x, beta, omega)
    df = 2 * (f[3] - y)
    dbeta, domega = np.zeros(4), np.zeros(4)
    for k in range(3, -1, -1):
        dbeta[k], domega[k] = df * h[k], df * h[k]
        if k:
            df = df * omega[k] * (f[k - 1] > 0)
    return dbeta, domega


@misconception(
    "toy_backward",
    belief="In the first layer everything is multiplied by the input x.",
    hint="Write down f_0 and differentiate it with respect to β_0.",
    fails=("toy_backward",),
)
def toy_backward__input_in_the_first_bias(x, y, beta, omega):
    h, f = [x], []
    for k in range(4):
        f.append(beta[k] + omega[k] * h[k])
        h.append(max(f[k], 0.0))
    dbeta, domega = np.zeros(4), np.zeros(4)
    df = 2 * (f[3] - y)
    for k in range(3, -1, -1):
        dbeta[k], domega[k] = df, df * h[k]
        df = df * omega[k] * (f[k - 1] > 0)
    dbeta[0] *= x
    return dbeta, domega


@misconception(
    "toy_backward",
    belief="A list of numbers is as good as an array.",
    hint="What is beta - 0.1 * dbeta if dbeta is a list?",
    fails=("toy_backward",),
)
def toy_backward__returns_lists(x, y, beta, omega):
    h, f = [x], []
    for k in range(4):
        f.append(float(beta[k] + omega[k] * h[k]))
        h.append(max(f[k], 0.0))
    dbeta, domega = [0.0] * 4, [0.0] * 4
    df = 2 * (f[3] - y)
    for k in range(3, -1, -1):
        dbeta[k], domega[k] = df, df * h[k]
        df = float(df * omega[k] * (f[k - 1] > 0))
    return dbeta, domega


@misconception(
    "toy_backward",
    belief="∂ℓ/∂ω_k contains the pre-activation f_{k−1} instead of the activation.",
    hint="What does ω_k multiply: the number before or after ReLU?",
    fails=("toy_backward",),
)
def toy_backward__pre_activation_in_the_weight_gradient(x, y, beta, omega):
    f, _ = _toy_pass(x, beta, omega)
    df = 2 * (f[3] - y)
    dbeta, domega = np.zeros(4), np.zeros(4)
    for k in range(3, -1, -1):
        dbeta[k], domega[k] = df, df * (f[k - 1] if k else x)
        if k:
            df = df * omega[k] * (f[k - 1] > 0)
    return dbeta, domega


@misconception(
    "toy_backward",
    belief="A unit whose pre-activation is exactly 0 passes the gradient on.",
    hint="Look at your own relu_grad: what does it say at 0?",
    fails=("toy_backward",),
    visible=False,
)
def toy_backward__one_at_the_kink(x, y, beta, omega):
    f, h = _toy_pass(x, beta, omega)
    df = 2 * (f[3] - y)
    dbeta, domega = np.zeros(4), np.zeros(4)
    for k in range(3, -1, -1):
        dbeta[k], domega[k] = df, df * h[k]
        if k:
            df = df * omega[k] * (f[k - 1] >= 0)
    return dbeta, domega


# ----------------------------------------------------------------------------------------------------------- linear


@misconception(
    "linear_forward",
    belief="Y = X W: the shapes will sort themselves out.",
    hint="W has one row per output. Write down the shapes of both factors, then try a square W too.",
    fails=("linear",),
)
def linear_forward__transpose_missing(X, W, b):
    return X @ W + b


@misconception(
    "linear_forward",
    belief="The bias can be added later.",
    hint="What should the layer return for X = 0?",
    fails=("linear",),
)
def linear_forward__bias_forgotten(X, W, b):
    return X @ W.T


@misconception(
    "linear_forward",
    belief="There is one bias per example.",
    hint="Which index of Y does the bias go with: the example's or the output's? Compare the shapes.",
    fails=("linear",),
)
def linear_forward__bias_along_the_batch(X, W, b):
    return X @ W.T + b[:, None]


@misconception(
    "linear_backward",
    belief="The gradient of the bias is the gradient of the output.",
    hint="The same bias is added to every example. Which shape must its gradient have?",
    fails=("linear",),
)
def linear_backward__bias_gradient_not_summed(dY, X, W):
    return dY @ W, dY.T @ X, dY


@misconception(
    "linear_backward",
    belief="The bias's gradient is a mean over the batch.",
    hint="If the batch is given twice, does the gradient of a sum of losses stay or double?",
    fails=("linear",),
)
def linear_backward__bias_gradient_averaged(dY, X, W):
    return dY @ W, dY.T @ X, dY.mean(0)


@misconception(
    "linear_backward",
    belief="Gradients of weights are divided by the batch size.",
    hint="Who averages over the batch, the layer or the loss? If the loss does, where is its 1/B by now?",
    fails=("linear",),
)
def linear_backward__divided_by_the_batch_size(dY, X, W):
    return dY @ W, dY.T @ X / len(X), dY.sum(0) / len(X)


@misconception(
    "linear_backward",
    belief="Everything that a batch gives is a mean, so dY is divided by the batch size first.",
    hint="Who averages over the batch, the layer or the loss? If the loss does, is its 1/B not in dY already?",
    fails=("linear",),
)
def linear_backward__divided_before_everything(dY, X, W):
    dY = dY / len(dY)
    return dY @ W, dY.T @ X, dY.sum(axis=0)


@misconception(
    "linear_backward",
    belief="The weight gradient is a mean over the samples, the others are not.",
    hint="Let the loss be the sum of all entries of Y. By how much does it change with one weight, for two equal rows?",
    fails=("linear",),
)
def linear_backward__weight_gradient_averaged(dY, X, W):
    return dY @ W, dY.T @ X / len(X), dY.sum(axis=0)


@misconception(
    "linear_backward",
    belief="What goes back to the layer before is divided by the batch size.",
    hint="Does the gradient of the first row of X depend on how many other rows there are?",
    fails=("linear",),
)
def linear_backward__input_gradient_averaged(dY, X, W):
    return dY @ W / len(X), dY.T @ X, dY.sum(axis=0)


@misconception(
    "linear_backward",
    belief="The bias gradient is the sum along each row.",
    hint="Sum over examples or over outputs? Look at the shape with B different from D_out.",
    fails=("linear",),
)
def linear_backward__summed_over_the_wrong_axis(dY, X, W):
    return dY @ W, dY.T @ X, dY.sum(1)


@misconception(
    "linear_backward",
    belief="dW is Xᵀ dY, as in most textbooks.",
    hint="A gradient has the shape of what it is the gradient of. Which shape has W in this course?",
    fails=("linear",),
)
def linear_backward__weight_gradient_transposed(dY, X, W):
    return dY @ W, X.T @ dY, dY.sum(0)


@misconception(
    "linear_backward",
    belief="Going backward uses the transpose, and W.T is the transpose.",
    hint="The forward pass already used Wᵀ. Try a square W that is not symmetric.",
    fails=("linear",),
)
def linear_backward__input_gradient_with_the_wrong_transpose(dY, X, W):
    return dY @ W.T, dY.T @ X, dY.sum(0)


# -------------------------------------------------------------------------------------------- softmax_cross_entropy


def _cross_entropy_pass(logits, labels):
    """Stable log-probabilities and one-hot labels, both (B, C)."""
    shifted = logits - logits.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return log_p, np.eye(logits.shape[1])[np.asarray(labels)]


@misconception(
    "softmax_cross_entropy",
    belief="Softmax can be typed in as it stands.",
    hint="Evaluate e^1000 in Python. Adding a constant to all logits of a row changes nothing: use that.",
    fails=("softmax_cross_entropy",),
    visible=False,
)
def softmax_cross_entropy__no_maximum_subtracted(logits, labels):
    rows = np.arange(len(labels))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    dlogits = p.copy()
    dlogits[rows, labels] -= 1
    return -np.log(p[rows, labels]).mean(), dlogits / len(p)


# Without the maximum the three ways to write the loss overflow differently, so each is known by itself.


@misconception(
    "softmax_cross_entropy",
    belief="Softmax can be typed in as it stands, and the loss as the sum over one-hot labels.",
    hint="Evaluate e^1000 in Python. Adding a constant to all logits of a row changes nothing: use that.",
    fails=("softmax_cross_entropy",),
    visible=False,
)
def softmax_cross_entropy__no_maximum_with_one_hot_labels(logits, labels):
    onehot = np.eye(logits.shape[1])[np.asarray(labels)]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return -(onehot * np.log(p)).sum(1).mean(), (p - onehot) / len(p)


@misconception(
    "softmax_cross_entropy",
    belief="The logarithm of the sum of exponentials can be typed in as it stands.",
    hint="Evaluate e^1000 in Python. Adding a constant to all logits of a row changes nothing: use that.",
    fails=("softmax_cross_entropy",),
    visible=False,
)
def softmax_cross_entropy__no_maximum_in_the_log_domain(logits, labels):
    onehot = np.eye(logits.shape[1])[np.asarray(labels)]
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return -log_p[np.arange(len(log_p)), labels].mean(), (np.exp(log_p) - onehot) / len(log_p)


@misconception(
    "softmax_cross_entropy",
    belief="One maximum for the whole batch is enough.",
    hint="What is left of a row at −1000 when another row is at 0?",
    fails=("softmax_cross_entropy",),
    visible=False,
)
def softmax_cross_entropy__one_maximum_for_the_batch(logits, labels):
    rows = np.arange(len(labels))
    exponentials = np.exp(logits - logits.max())
    p = exponentials / exponentials.sum(1, keepdims=True)
    loss = (np.log(exponentials.sum(1)) - (logits - logits.max())[rows, labels]).mean()
    dlogits = p.copy()
    dlogits[rows, labels] -= 1
    return loss, dlogits / len(p)


@misconception(
    "softmax_cross_entropy",
    belief="One maximum for the whole batch is enough, and the logarithm of a softmax is stable.",
    hint="What is left of a row at −1000 when another row is at 0?",
    fails=("softmax_cross_entropy",),
    visible=False,
)
def softmax_cross_entropy__one_maximum_and_log_of_softmax(logits, labels):
    onehot = np.eye(logits.shape[1])[np.asarray(labels)]
    exponentials = np.exp(logits - logits.max())
    p = exponentials / exponentials.sum(1, keepdims=True)
    return -np.log(p[np.arange(len(p)), labels]).mean(), (p - onehot) / len(p)


@misconception(
    "softmax_cross_entropy",
    belief="The logarithm of a stable softmax is stable.",
    hint="What does softmax give the label's class when another logit is 1000 higher, and what is its logarithm?",
    fails=("softmax_cross_entropy",),
    visible=False,
)
def softmax_cross_entropy__log_of_softmax(logits, labels):
    onehot = np.eye(logits.shape[1])[np.asarray(labels)]
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    p = exponentials / exponentials.sum(1, keepdims=True)
    return -np.log(p[np.arange(len(p)), labels]).mean(), (p - onehot) / len(p)


@misconception(
    "softmax_cross_entropy",
    belief="A small constant inside the logarithm makes it safe.",
    hint="By hand, what is the loss if the label's logit is 100 below the largest? What does the constant make of it?",
    fails=("softmax_cross_entropy",),
    visible=False,
)
def softmax_cross_entropy__clipped_log(logits, labels):
    onehot = np.eye(logits.shape[1])[np.asarray(labels)]
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    p = exponentials / exponentials.sum(1, keepdims=True)
    return -np.log(np.maximum(p, 1e-12)[np.arange(len(p)), labels]).mean(), (p - onehot) / len(p)


@misconception(
    "softmax_cross_entropy",
    belief="dlogits is softmax minus one-hot, whatever the loss averages over.",
    hint="Feed the same example twice. The mean loss stays; what must each row of its gradient do?",
    fails=("softmax_cross_entropy",),
)
def softmax_cross_entropy__gradient_not_divided_by_the_batch(logits, labels):
    log_p, onehot = _cross_entropy_pass(logits, labels)
    return -(onehot * log_p).sum(1).mean(), np.exp(log_p) - onehot


@misconception(
    "softmax_cross_entropy",
    belief="The loss of a batch is the sum of the losses.",
    hint="Feed the same example twice: what should happen to the loss?",
    fails=("softmax_cross_entropy",),
)
def softmax_cross_entropy__sum_for_mean(logits, labels):
    log_p, onehot = _cross_entropy_pass(logits, labels)
    return -(onehot * log_p).sum(), np.exp(log_p) - onehot


@misconception(
    "softmax_cross_entropy",
    belief="The mean is a matter of the gradient, the loss itself is a sum.",
    hint="Feed the same example twice: what should happen to the loss?",
    fails=("softmax_cross_entropy",),
)
def softmax_cross_entropy__loss_not_divided_by_the_batch(logits, labels):
    log_p, onehot = _cross_entropy_pass(logits, labels)
    return -(onehot * log_p).sum(), (np.exp(log_p) - onehot) / len(log_p)


@misconception(
    "softmax_cross_entropy",
    belief="p[:, y] picks each row's own label.",
    hint="Print the shape of what you pick: is it one number per example?",
    fails=("softmax_cross_entropy",),
)
def softmax_cross_entropy__every_row_gets_every_label(logits, labels):
    log_p, _ = _cross_entropy_pass(logits, labels)
    dlogits = np.exp(log_p)
    dlogits[:, labels] -= 1
    return -log_p[:, labels].mean(), dlogits / len(log_p)


@misconception(
    "softmax_cross_entropy",
    belief="Labels come as an array.",
    hint="The labels may be a list of ints. Which of your lines needs an array?",
    fails=("softmax_cross_entropy",),
    visible=False,
)
def softmax_cross_entropy__labels_compared_as_an_array(logits, labels):
    onehot = labels[:, None] == np.arange(logits.shape[1])
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -logs[onehot].mean(), (np.exp(logs) - onehot) / len(logits)


@misconception(
    "softmax_cross_entropy",
    belief="The probabilities of a column sum to one.",
    hint="Over what does softmax normalise: the examples of a batch or the classes of one example?",
    fails=("softmax_cross_entropy",),
)
def softmax_cross_entropy__normalised_over_the_batch(logits, labels):
    onehot = np.eye(logits.shape[1])[np.asarray(labels)]
    shifted = logits - logits.max(0)
    log_p = shifted - np.log(np.exp(shifted).sum(0))
    return -(onehot * log_p).sum(1).mean(), (np.exp(log_p) - onehot) / len(log_p)


@misconception(
    "softmax_cross_entropy",
    belief="The mean is over all entries of the array, classes included.",
    hint="How many numbers are averaged: one per example, or one per example and class?",
    fails=("softmax_cross_entropy",),
)
def softmax_cross_entropy__mean_over_classes_too(logits, labels):
    log_p, onehot = _cross_entropy_pass(logits, labels)
    return -(onehot * log_p).mean(), (np.exp(log_p) - onehot) / log_p.size


@misconception(
    "softmax_cross_entropy",
    belief="The maximum may be subtracted from the logits in place.",
    hint="Print the logits before and after the call.",
    fails=("softmax_cross_entropy",),
)
def softmax_cross_entropy__logits_overwritten(logits, labels):
    logits -= logits.max(1, keepdims=True)
    log_p, onehot = _cross_entropy_pass(logits, labels)
    return -(onehot * log_p).sum(1).mean(), (np.exp(log_p) - onehot) / len(log_p)


# -------------------------------------------------------------------------------------------------------------- mlp


def _mlp_gradients(params, f, h, dout, mask):
    """Backward pass with ``mask(k)`` applied to the gradient that arrives at h[k]."""
    grads: list[tuple[np.ndarray, np.ndarray]] = []
    df = dout
    for k in range(len(params) - 1, -1, -1):
        grads.insert(0, (df.T @ h[k], df.sum(0)))
        if k:
            df = (df @ params[k][0]) * mask(k)
    return grads


@misconception(
    "mlp_forward",
    belief="ReLU comes after every layer, the last one too.",
    hint="Can your network predict a negative number?",
    fails=("mlp",),
)
def mlp_forward__relu_on_the_output(params, X):
    f, h = [], [X]
    for W, b in params:
        f.append(h[-1] @ W.T + b)
        h.append(np.maximum(f[-1], 0.0))
    f[-1] = h[-1]
    return f, h[:-1]


@misconception(
    "mlp_forward",
    belief="h holds the outputs of the layers, so it starts with the first hidden layer.",
    hint="h[k] is what goes into layer k. What goes into layer 0?",
    fails=("mlp",),
)
def mlp_forward__inputs_shifted_by_one(params, X):
    f, h = [], [X]
    for W, b in params:
        f.append(h[-1] @ W.T + b)
        h.append(np.maximum(f[-1], 0.0))
    return f, h[1:]


@misconception(
    "mlp_forward",
    belief="The inputs of the layers are the pre-activations of the layers before.",
    hint="Is there a negative number in one of your h after the first? Which step of the layer makes h of f?",
    fails=("mlp",),
)
def mlp_forward__inputs_before_relu(params, X):
    f, h = [], [X]
    for W, b in params:
        f.append((np.maximum(h[-1], 0.0) if f else X) @ W.T + b)
        h.append(f[-1])
    return f, h[:-1]


@misconception(
    "mlp_forward",
    belief="A layer is its linear map; the ReLU comes with the backward pass.",
    hint="What can a chain of linear layers draw that one linear layer cannot?",
    fails=("mlp",),
)
def mlp_forward__relu_missing(params, X):
    f, h = [], [X]
    for W, b in params:
        f.append(h[-1] @ W.T + b)
        h.append(f[-1])
    return f, h[:-1]


@misconception(
    "mlp_forward",
    belief="ReLU may overwrite its argument to save memory.",
    hint="Look for negative numbers in f: where have they gone?",
    fails=("mlp",),
)
def mlp_forward__relu_in_place(params, X):
    f, h = [], [X]
    for k, (W, b) in enumerate(params):
        f.append(h[-1] @ W.T + b)
        if k < len(params) - 1:
            h.append(np.maximum(f[-1], 0.0, out=f[-1]))
    return f, h


@misconception(
    "mlp_forward",
    belief="The input is an activation and passes through ReLU.",
    hint="Feed a negative input. What should h[0] be?",
    fails=("mlp",),
)
def mlp_forward__relu_on_the_input(params, X):
    f, h = [], []
    signal = X
    for W, b in params:
        h.append(np.maximum(signal, 0.0))
        signal = h[-1] @ W.T + b
        f.append(signal)
    return f, h


@misconception(
    "mlp_backward",
    belief="The mask belongs to the layer whose weights the gradient has just crossed.",
    hint="The gradient with respect to h[k] must cross one ReLU. Which pre-activation went into it?",
    fails=("mlp",),
)
def mlp_backward__mask_of_the_wrong_layer(params, f, h, dout):
    return _mlp_gradients(params, f, h, dout, lambda k: f[k] > 0)


@misconception(
    "mlp_backward",
    belief="The gradient passes ReLU unchanged.",
    hint="Compare with a numerical gradient for the first layer and for the last. Which one is right?",
    fails=("mlp",),
)
def mlp_backward__relu_ignored(params, f, h, dout):
    return _mlp_gradients(params, f, h, dout, lambda k: 1.0)


@misconception(
    "mlp_backward",
    belief="∂ℓ/∂Ω_k contains the pre-activations of the layer before.",
    hint="What does the matrix of layer k multiply: the numbers before or after ReLU?",
    fails=("mlp",),
)
def mlp_backward__pre_activations_in_the_weight_gradient(params, f, h, dout):
    return _mlp_gradients(params, f, [h[0], *f[:-1]], dout, lambda k: f[k - 1] > 0)


@misconception(
    "mlp_backward",
    belief="The derivative of ReLU at h is h.",
    hint="What is the slope of ReLU at f = 3, and what is its value there?",
    fails=("mlp",),
)
def mlp_backward__activation_for_its_derivative(params, f, h, dout):
    return _mlp_gradients(params, f, h, dout, lambda k: h[k])


@misconception(
    "mlp_backward",
    belief="A unit whose pre-activation is exactly 0 passes the gradient on.",
    hint="Look at your own relu_grad: what does it say at 0?",
    fails=("mlp",),
    visible=False,
)
def mlp_backward__one_at_the_kink(params, f, h, dout):
    return _mlp_gradients(params, f, h, dout, lambda k: f[k - 1] >= 0)


@misconception(
    "mlp_backward",
    belief="The list of gradients is in the order in which they are computed.",
    hint="The backward pass visits the last layer first. Which layer must the first pair belong to?",
    fails=("mlp",),
)
def mlp_backward__in_backward_order(params, f, h, dout):
    return _mlp_gradients(params, f, h, dout, lambda k: f[k - 1] > 0)[::-1]


@misconception(
    "mlp_backward",
    belief="The gradient is averaged over the batch in every layer.",
    hint="If dout comes from a mean loss, where is the 1/B already?",
    fails=("mlp",),
)
def mlp_backward__divided_by_the_batch_size(params, f, h, dout):
    grads = _mlp_gradients(params, f, h, dout, lambda k: f[k - 1] > 0)
    return [(dW / len(dout), db / len(dout)) for dW, db in grads]


@misconception(
    "mlp_backward",
    belief="dout belongs to the output of a ReLU and must be masked first.",
    hint="dout is the gradient with respect to f[-1]. Is there a ReLU after f[-1]?",
    fails=("mlp",),
)
def mlp_backward__output_masked(params, f, h, dout):
    return _mlp_gradients(params, f, h, dout * (f[-1] > 0), lambda k: f[k - 1] > 0)


@misconception(
    "mlp_backward",
    belief="The stored arrays are used up by the backward pass and may be overwritten.",
    hint="Call your function twice with the same arguments. Are the results equal?",
    fails=("mlp",),
)
def mlp_backward__stored_values_overwritten(params, f, h, dout):
    grads = _mlp_gradients(params, f, h, dout, lambda k: f[k - 1] > 0)
    for k in range(len(f) - 1):
        f[k][...] = f[k] > 0
    return grads


# ----------------------------------------------------------------------------------------------- numerical_gradient


def _differences(fn, x, up, down, divisor):
    """(fn(x + up e_i) − fn(x + down e_i))/divisor for every element i."""
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        high, low = x.copy(), x.copy()
        high[i] += up
        low[i] += down
        g[i] = (fn(high) - fn(low)) / divisor
    return g


@misconception(
    "numerical_gradient",
    belief="One step forward is enough.",
    hint="How does the error of your formula shrink when eps is halved: by two or by four?",
    fails=("numerical_gradient",),
)
def numerical_gradient__forward_difference(fn, x, eps=1e-6):
    return _differences(fn, x, eps, 0.0, eps)


@misconception(
    "numerical_gradient",
    belief="The difference is divided by eps.",
    hint="How far apart are the two points at which you call fn?",
    fails=("numerical_gradient",),
)
def numerical_gradient__divided_by_eps(fn, x, eps=1e-6):
    return _differences(fn, x, eps, -eps, eps)


@misconception(
    "numerical_gradient",
    belief="The step is always 1e-6, whatever is passed.",
    hint="Call your function with eps=0.5 and with eps=0.25 on x³. Do the results differ?",
    fails=("numerical_gradient",),
    visible=False,
)
def numerical_gradient__eps_ignored(fn, x, eps=1e-6):
    return _differences(fn, x, 1e-6, -1e-6, 2e-6)


@misconception(
    "numerical_gradient",
    belief="All elements can be moved at once.",
    hint="How many numbers does one call of fn return, and how many partial derivatives do you need?",
    fails=("numerical_gradient",),
)
def numerical_gradient__all_elements_moved_at_once(fn, x, eps=1e-6):
    return np.full(x.shape, (fn(x + eps) - fn(x - eps)) / (2 * eps))


@misconception(
    "numerical_gradient",
    belief="x += eps, x −= 2 eps, x += eps restores x.",
    hint="Compute (0.1 + 0.3 − 2·0.3) + 0.3 in Python and compare with 0.1.",
    fails=("numerical_gradient",),
)
def numerical_gradient__x_restored_by_arithmetic(fn, x, eps=1e-6):
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        x[i] += eps
        high = fn(x)
        x[i] -= 2 * eps
        low = fn(x)
        x[i] += eps
        g[i] = (high - low) / (2 * eps)
    return g


@misconception(
    "numerical_gradient",
    belief="In a copy of x nothing needs to be put back.",
    hint="Print the argument of fn for x = (0, 0, 0) and eps = 1: in how many places does the last one differ from x?",
    fails=("numerical_gradient",),
    visible=False,
)
def numerical_gradient__copy_not_restored(fn, x, eps=1e-6):
    g, moved = np.zeros_like(x), x.copy()
    for i in np.ndindex(x.shape):
        moved[i] += eps
        high = fn(moved)
        moved[i] -= 2 * eps
        g[i] = (high - fn(moved)) / (2 * eps)
    return g


@misconception(
    "numerical_gradient",
    belief="Each element stays where the difference left it.",
    hint="Print x after the call. And at which point is the second partial derivative taken?",
    fails=("numerical_gradient",),
)
def numerical_gradient__x_left_changed(fn, x, eps=1e-6):
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        x[i] += eps
        high = fn(x)
        x[i] -= 2 * eps
        g[i] = (high - fn(x)) / (2 * eps)
    return g


@misconception(
    "numerical_gradient",
    belief="Functions take flat vectors.",
    hint="fn may be anything, for example lambda x: x[0, 0]. What do you call it with?",
    fails=("numerical_gradient",),
)
def numerical_gradient__fn_called_with_flat_arrays(fn, x, eps=1e-6):
    flat = x.ravel().copy()
    g = np.zeros_like(flat)
    for i in range(flat.size):
        step = np.zeros_like(flat)
        step[i] = eps
        g[i] = (fn(flat + step) - fn(flat - step)) / (2 * eps)
    return g.reshape(x.shape)


@misconception(
    "numerical_gradient",
    belief="An array has rows, so the loop goes over len(x).",
    hint="What is len(np.array(1.5))?",
    fails=("numerical_gradient",),
    visible=False,
)
def numerical_gradient__needs_an_axis(fn, x, eps=1e-6):
    g = np.zeros((len(x), x.size // len(x)))
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            step = np.zeros_like(g)
            step[i, j] = eps
            step = step.reshape(x.shape)
            g[i, j] = (fn(x + step) - fn(x - step)) / (2 * eps)
    return g.reshape(x.shape)


@misconception(
    "numerical_gradient",
    belief="A gradient is a vector.",
    hint="You want to write x - lr * g afterwards. Which shape must g have for that?",
    fails=("numerical_gradient",),
)
def numerical_gradient__flat_result(fn, x, eps=1e-6):
    g = np.zeros(x.size)
    for i in range(x.size):
        up, down = x.copy(), x.copy()
        up.flat[i] += eps
        down.flat[i] -= eps
        g[i] = (fn(up) - fn(down)) / (2 * eps)
    return g


@misconception(
    "numerical_gradient",
    belief="The smaller the step, the better the derivative.",
    hint="Plot the error against eps. What happens to fn(x + eps) − fn(x − eps) when eps nears 1e-16?",
    fails=("numerical_gradient",),
)
def numerical_gradient__step_too_small(fn, x, eps=1e-6):
    return _differences(fn, x, eps * 1e-7, -eps * 1e-7, 2e-7 * eps)


# ------------------------------------------------------------------------------------------------- relu_interpolant


@misconception(
    "relu_interpolant",
    belief="Each unit contributes the slope of its interval.",
    hint="A unit stays on to the right of its knot. What is the total slope in the second interval?",
    fails=("relu_interpolant",),
)
def relu_interpolant__slopes_for_changes_of_slope(knots, values):
    slopes = np.diff(values) / np.diff(knots)
    return np.ones_like(slopes), -knots[:-1], slopes, values[0]


@misconception(
    "relu_interpolant",
    belief="The network starts at zero.",
    hint="Left of all kinks no unit is on. What does your network return at the first knot?",
    fails=("relu_interpolant",),
)
def relu_interpolant__no_offset(knots, values):
    slopes = np.diff(values) / np.diff(knots)
    return np.ones_like(slopes), -knots[:-1], np.diff(slopes, prepend=0.0), 0.0


@misconception(
    "relu_interpolant",
    belief="The slope is the difference of the values.",
    hint="What if the knots are not one apart?",
    fails=("relu_interpolant",),
)
def relu_interpolant__spacing_ignored(knots, values):
    rises = np.diff(values)
    return np.ones_like(rises), -knots[:-1], np.diff(rises, prepend=0.0), values[0]


@misconception(
    "relu_interpolant",
    belief="The knots are equally spaced.",
    hint="Move only the last knot to the right. Which of your slopes should change?",
    fails=("relu_interpolant",),
)
def relu_interpolant__equal_spacing(knots, values):
    slopes = np.diff(values) / (knots[1] - knots[0])
    return np.ones_like(slopes), -knots[:-1], np.diff(slopes, prepend=0.0), values[0]


@misconception(
    "relu_interpolant",
    belief="A unit with bias β has its kink at β.",
    hint="For which x is w·x + b zero?",
    fails=("relu_interpolant",),
)
def relu_interpolant__sign_of_the_bias(knots, values):
    slopes = np.diff(values) / np.diff(knots)
    return np.ones_like(slopes), knots[:-1].copy(), np.diff(slopes, prepend=0.0), values[0]


@misconception(
    "relu_interpolant",
    belief="The kink of an interval's unit is at its right end.",
    hint="From which knot on must the first slope act?",
    fails=("relu_interpolant",),
)
def relu_interpolant__kinks_one_knot_late(knots, values):
    slopes = np.diff(values) / np.diff(knots)
    return np.ones_like(slopes), -knots[1:], np.diff(slopes, prepend=0.0), values[0]


@misconception(
    "relu_interpolant",
    belief="The first interval needs no unit: there is no change of slope at the first knot.",
    hint="With two points there is one interval and no inner knot. What is the slope of your network there?",
    fails=("relu_interpolant",),
)
def relu_interpolant__inner_knots_only(knots, values):
    slopes = np.diff(values) / np.diff(knots)
    return np.ones(len(knots) - 2), -knots[1:-1], np.diff(slopes), values[0]


@misconception(
    "relu_interpolant",
    belief="Every point needs a hidden unit of its own.",
    hint="What does the unit whose kink is at the last knot do between the knots?",
    fails=("relu_interpolant",),
)
def relu_interpolant__a_unit_for_every_point(knots, values):
    slopes = np.diff(values) / np.diff(knots)
    v = np.append(np.diff(slopes, prepend=0.0), 0.0)
    return np.ones_like(v), -knots, v, values[0]


@misconception(
    "relu_interpolant",
    belief="The output weights are positive, the sign goes into w.",
    hint="Which way does a unit with negative w face? Try values that rise and then fall.",
    fails=("relu_interpolant",),
)
def relu_interpolant__sign_in_the_input_weight(knots, values):
    slopes = np.diff(values) / np.diff(knots)
    v = np.diff(slopes, prepend=0.0)
    return np.sign(v), -np.sign(v) * knots[:-1], np.abs(v), values[0]


@misconception(
    "relu_interpolant",
    belief="The size of a change of slope goes into w, its sign v/|v| into the output weight.",
    hint="What does your formula give where three points lie on one line?",
    fails=("relu_interpolant",),
    visible=False,
)
def relu_interpolant__sign_by_division(knots, values):
    slopes = np.diff(values) / np.diff(knots)
    v = np.diff(slopes, prepend=0.0)
    w = np.abs(v)
    return w, -w * knots[:-1], v / w, values[0]


@misconception(
    "relu_interpolant",
    belief="An array of one element is a number.",
    hint="Look at np.shape(c): the offset is a number, without an axis.",
    fails=("relu_interpolant",),
)
def relu_interpolant__offset_with_an_axis(knots, values):
    slopes = np.diff(values) / np.diff(knots)
    v = np.diff(slopes, prepend=0.0)
    return np.ones_like(v), -knots[:-1], v, values[:1]
