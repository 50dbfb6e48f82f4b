# ruff: noqa: N801 (a class is named as the entry point that it replaces)
"""Known-wrong solutions of dropout, as a student would write them."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_lib.checking.model import misconception


def _require(p):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")


# dropout_forward


@misconception(
    "dropout_forward",
    belief="Dropout only switches units off.",
    hint="Take one unit with x = 1 and p = 0.5. Evaluation gives y = 1. What does training give on average?",
    fails=("dropout_layer",),
)
def dropout_forward__no_rescaling(x, p, u, training):
    _require(p)
    mask = u >= p if training else np.ones(x.shape, dtype=bool)
    return x * mask, mask


@misconception(
    "dropout_forward",
    belief="The original paper's dropout: units are scaled by 1 − p in evaluation instead of by 1/(1 − p) in training.",
    hint="There are two conventions. In the one used here the network needs no change at all at test time.",
    fails=("dropout_layer",),
)
def dropout_forward__scaled_at_test_time(x, p, u, training):
    _require(p)
    if not training:
        return x * (1 - p), np.ones(x.shape, dtype=bool)
    mask = u >= p
    return x * mask, mask


@misconception(
    "dropout_forward",
    belief="The scale belongs to the layer, so it is there in both modes.",
    hint="What does the scale make up for, and does that happen in evaluation mode?",
    fails=("dropout_layer",),
)
def dropout_forward__rescaled_in_evaluation(x, p, u, training):
    _require(p)
    mask = u >= p if training else np.ones(x.shape, dtype=bool)
    return x * mask / (1 - p), mask


@misconception(
    "dropout_forward",
    belief="p is the probability that a unit is kept.",
    hint="Try p = 0.2: about how many of ten units should survive?",
    fails=("dropout_layer",),
)
def dropout_forward__p_keeps(x, p, u, training):
    _require(p)
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    mask = u < p
    return np.where(mask, x / p if p else 0.0, 0.0), mask


@misconception(
    "dropout_forward",
    belief="A unit is kept where its uniform number is below p; the scale is right.",
    hint="Try p = 0.2: for which values of u should a unit be dropped, and how many of ten units survive?",
    fails=("dropout_layer",),
)
def dropout_forward__keeps_below_p(x, p, u, training):
    _require(p)
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    mask = u < p
    return x * mask / (1 - p), mask


@misconception(
    "dropout_forward",
    belief="A unit is kept where its uniform number is below 1 − p: equally likely, but not what is asked.",
    hint="Two rules can drop equally many units, and not the same. At which end of [0, 1) are the dropped ones here?",
    fails=("dropout_layer",),
)
def dropout_forward__keeps_below_survival(x, p, u, training):
    _require(p)
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    mask = u < 1 - p
    return x * mask / (1 - p), mask


@misconception(
    "dropout_forward",
    belief="Survivors are divided by p.",
    hint="A unit survives with which probability? The scale undoes exactly that factor.",
    fails=("dropout_layer",),
)
def dropout_forward__divided_by_p(x, p, u, training):
    _require(p)
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    mask = u >= p
    return x * mask / max(p, 1e-12), mask


@misconception(
    "dropout_forward",
    belief="The survivors are multiplied by the probability of surviving.",
    hint="Dropping makes the expected output smaller. Does your scale make it larger again?",
    fails=("dropout_layer",),
)
def dropout_forward__multiplied_by_survival(x, p, u, training):
    _require(p)
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    mask = u >= p
    return x * mask * (1 - p), mask


@misconception(
    "dropout_forward",
    belief="A uniform number equal to p drops the unit.",
    hint="u lies in [0, 1). With p = 0 and u = 0, must the unit be dropped?",
    fails=("dropout_layer",),
    visible=False,
)
def dropout_forward__drops_at_equality(x, p, u, training):
    _require(p)
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    mask = u > p
    return x * mask / (1 - p), mask


@misconception(
    "dropout_forward",
    belief="The mask is that of the uniforms in evaluation mode too.",
    hint="backward will use this mask. Which units took part in the forward pass in evaluation mode?",
    fails=("dropout_layer",),
)
def dropout_forward__mask_in_evaluation(x, p, u, training):
    _require(p)
    mask = u >= p
    return (x * mask / (1 - p) if training else x.copy()), mask


@misconception(
    "dropout_forward",
    belief="The mask may hold the scale.",
    hint="Look at the dtype of the mask that the exercise asks for.",
    fails=("dropout_layer",),
)
def dropout_forward__mask_holds_the_scale(x, p, u, training):
    _require(p)
    mask = (u >= p) / (1 - p) if training else np.ones(x.shape)
    return x * mask, mask


@misconception(
    "dropout_forward",
    belief="The mask says where the output is not zero.",
    hint="A unit can be zero before dropout sees it. Was it dropped?",
    fails=("dropout_layer",),
    visible=False,
)
def dropout_forward__mask_from_the_output(x, p, u, training):
    _require(p)
    y = np.where(u >= p, x / (1 - p), 0.0) if training else x.copy()
    return y, y != 0


@misconception(
    "dropout_forward",
    belief="The function draws its own random numbers.",
    hint="The same x, p and u must give the same result every time: where does the randomness come from?",
    fails=("dropout_layer",),
)
def dropout_forward__ignores_u(x, p, u, training):
    _require(p)
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    mask = np.random.default_rng(0).random(x.shape) >= p
    return x * mask / (1 - p), mask


@misconception(
    "dropout_forward",
    belief="One row of the mask serves the whole batch.",
    hint="Compare the rows of your mask with the rows of u.",
    fails=("dropout_layer",),
)
def dropout_forward__first_row_for_all(x, p, u, training):
    _require(p)
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    mask = np.broadcast_to(u[:1] if u.ndim > 1 else u, x.shape) >= p
    return x * mask / (1 - p), mask


@misconception(
    "dropout_forward",
    belief="Writing into x is fine, since y replaces it.",
    hint="Print x before and after the call.",
    fails=("dropout_layer",),
    visible=False,
)
def dropout_forward__writes_into_x(x, p, u, training):
    _require(p)
    mask = u >= p if training else np.ones(x.shape, dtype=bool)
    if training:
        x[~mask] = 0
        x /= 1 - p
    return x, mask


@misconception(
    "dropout_forward",
    belief="p = 1 drops everything and is allowed.",
    hint="What is the scale at p = 1?",
    fails=("dropout_layer",),
)
def dropout_forward__allows_one(x, p, u, training):
    if not 0 <= p <= 1:
        raise ValueError("p must be in [0, 1]")
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    mask = u >= p
    return np.where(mask, x, 0.0) / max(1 - p, 1e-12), mask


@misconception(
    "dropout_forward",
    belief="In evaluation mode p does not matter, so it is not checked.",
    hint="A wrong p is a mistake in either mode.",
    fails=("dropout_layer",),
    visible=False,
)
def dropout_forward__checks_p_in_training_only(x, p, u, training):
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    _require(p)
    mask = u >= p
    return x * mask / (1 - p), mask


@misconception(
    "dropout_forward",
    belief="assert is the way to reject an argument.",
    hint="Which exception does the exercise name?",
    fails=("dropout_layer",),
)
def dropout_forward__asserts(x, p, u, training):
    assert 0 <= p < 1
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    mask = u >= p
    return x * mask / (1 - p), mask


@misconception(
    "dropout_forward",
    belief="Half precision is enough: deep learning runs in float32.",
    hint="The arrays of this course are float64 from end to end. Look for a conversion.",
    fails=("dropout_layer",),
    visible=False,
)
def dropout_forward__float32_inside(x, p, u, training):
    _require(p)
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    mask = u >= p
    return x * (mask.astype(np.float32) / np.float32(1 - p)), mask


# dropout_backward


@misconception(
    "dropout_backward",
    belief="The gradient passes the kept units as it is.",
    hint="For a kept unit, y is x times a constant. What is dy/dx?",
    fails=("dropout_layer",),
)
def dropout_backward__unscaled(dy, mask, p, training):
    return dy * mask if training else dy.copy()


@misconception(
    "dropout_backward",
    belief="Backward undoes the scale of forward.",
    hint="The derivative of c·x is c, not 1/c.",
    fails=("dropout_layer",),
)
def dropout_backward__scale_undone(dy, mask, p, training):
    return dy * mask * (1 - p) if training else dy.copy()


@misconception(
    "dropout_backward",
    belief="The scale is there in both modes.",
    hint="In evaluation mode y = x. What is the derivative?",
    fails=("dropout_layer",),
)
def dropout_backward__scaled_in_evaluation(dy, mask, p, training):
    return dy * mask / (1 - p)


@misconception(
    "dropout_backward",
    belief="The mask marks the units that were dropped.",
    hint="Which units contributed to the loss, those with mask True or those with mask False?",
    fails=("dropout_layer",),
)
def dropout_backward__mask_inverted(dy, mask, p, training):
    return np.where(mask, 0.0, dy / (1 - p)) if training else dy.copy()


@misconception(
    "dropout_backward",
    belief="Dropout has no parameters, so the gradient passes through it unchanged.",
    hint="Does the loss depend on a unit that was dropped?",
    fails=("dropout_layer",),
)
def dropout_backward__identity(dy, mask, p, training):
    return dy.copy()


@misconception(
    "dropout_backward",
    belief="The gradient of a batch is an average over its rows.",
    hint="dx has one row for every row of dy; nothing is averaged here.",
    fails=("dropout_layer",),
)
def dropout_backward__averaged_over_the_batch(dy, mask, p, training):
    return dy * mask / (1 - p) / len(dy) if training else dy.copy()


@misconception(
    "dropout_backward",
    belief="dy is not needed any more, so it can be overwritten.",
    hint="Print dy before and after the call.",
    fails=("dropout_layer",),
    visible=False,
)
def dropout_backward__writes_into_dy(dy, mask, p, training):
    if training:
        dy *= mask
        dy /= 1 - p
    return dy


# Dropout


class _Right:
    """A right layer, for the wrong ones to go wrong in one place."""

    scale: Any

    def __init__(self, p, seed):
        _require(p)
        self.p, self.rng, self.training, self.scale = p, np.random.default_rng(seed), True, 1.0

    def train(self):
        self.training = True

    def eval(self):
        self.training = False

    def forward(self, x):
        self.scale = self.draw(x.shape) / (1 - self.p) if self.training else np.ones(x.shape)
        return x * self.scale

    def draw(self, shape):
        return self.rng.random(shape) >= self.p

    def backward(self, dy):
        return dy * self.scale


@misconception(
    "Dropout",
    belief="backward draws a mask of its own.",
    hint="Compare the zeros of forward(x) with the zeros of backward(dy).",
    fails=("dropout_class",),
)
class Dropout__fresh_mask_in_backward(_Right):
    def backward(self, dy):
        return dy * self.draw(dy.shape) / (1 - self.p) if self.training else dy.copy()


@misconception(
    "Dropout",
    belief="The generator is made from the seed in forward.",
    hint="Call forward twice and compare. Where, and how often, should the generator be made?",
    fails=("dropout_class",),
)
class Dropout__generator_made_in_forward(_Right):
    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.seed = seed

    def draw(self, shape):
        return np.random.default_rng(self.seed).random(shape) >= self.p


@misconception(
    "Dropout",
    belief="A layer has one mask, drawn once for every shape.",
    hint="Call forward twice on the same x and compare.",
    fails=("dropout_class",),
)
class Dropout__mask_drawn_once(_Right):
    def draw(self, shape):
        if getattr(self, "mask", np.zeros(())).shape != shape:
            self.mask = self.rng.random(shape) >= self.p
        return self.mask


@misconception(
    "Dropout",
    belief="Dropout removes units from the network, so a whole batch shares one mask.",
    hint="Feed two equal rows and compare what comes out.",
    fails=("dropout_class",),
)
class Dropout__one_mask_for_the_batch(_Right):
    def draw(self, shape):
        return np.broadcast_to(self.rng.random(shape[1:] if len(shape) > 1 else shape) >= self.p, shape)


@misconception(
    "Dropout",
    belief="Dropout removes whole examples.",
    hint="Feed ones and look at a single row of the output.",
    fails=("dropout_class",),
)
class Dropout__drops_whole_rows(_Right):
    def draw(self, shape):
        return np.broadcast_to(self.rng.random((shape[0],) + (1,) * (len(shape) - 1)) >= self.p, shape)


@misconception(
    "Dropout",
    belief="Exactly the fraction p of every row is dropped.",
    hint="Count the dropped units in each row. Would independent coin flips always give the same count?",
    fails=("dropout_class",),
)
class Dropout__exact_count_in_every_row(_Right):
    def draw(self, shape):
        width = int(np.prod(shape[1:])) if len(shape) > 1 else shape[0]
        rows = [self.rng.permutation(width) >= round(self.p * width) for _ in range(int(np.prod(shape)) // width)]
        return np.array(rows).reshape(shape)


@misconception(
    "Dropout",
    belief="The seed can be ignored: masks are random anyway.",
    hint="Make two layers with the same seed and compare their first outputs.",
    fails=("dropout_class",),
)
class Dropout__seed_ignored(_Right):
    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.rng = np.random.default_rng()


@misconception(
    "Dropout",
    belief="A fixed seed is what makes results reproducible.",
    hint="Make two layers with different seeds and compare their first outputs.",
    fails=("dropout_class",),
)
class Dropout__seed_fixed(_Right):
    def __init__(self, p, seed):
        super().__init__(p, 0)


@misconception(
    "Dropout",
    belief="Seeding NumPy's global generator in the constructor is enough.",
    hint="Make two layers with the same seed and use them in turn. Which state do they share?",
    fails=("dropout_class",),
)
class Dropout__global_generator(_Right):
    def __init__(self, p, seed):
        super().__init__(p, seed)
        np.random.seed(seed)

    def draw(self, shape):
        return np.random.random(shape) >= self.p


@misconception(
    "Dropout",
    belief="A layer starts in evaluation mode.",
    hint="In which mode is a new layer? Call forward before train() or eval().",
    fails=("dropout_class",),
)
class Dropout__starts_in_evaluation(_Right):
    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.training = False


@misconception(
    "Dropout",
    belief="Dropout also acts at test time.",
    hint="Call eval() and then forward: what should come out?",
    fails=("dropout_class",),
)
class Dropout__drops_in_evaluation(_Right):
    def eval(self):
        pass


@misconception(
    "Dropout",
    belief="At test time the output is scaled by 1 − p.",
    hint="The scale is already made up for in training. Call eval() and then forward: what should come out?",
    fails=("dropout_class",),
)
class Dropout__scaled_in_evaluation(_Right):
    def forward(self, x):
        y = super().forward(x)
        return y if self.training else y * (1 - self.p)


@misconception(
    "Dropout",
    belief="After eval() the layer is finished with training.",
    hint="Training and evaluation alternate. Call eval(), then train(), then forward.",
    fails=("dropout_class",),
    visible=False,
)
class Dropout__stays_in_evaluation(_Right):
    def train(self):
        pass


@misconception(
    "Dropout",
    belief="p is the probability that a unit is kept.",
    hint="Make a layer with p = 0.2, feed a thousand ones and count the zeros.",
    fails=("dropout_class",),
)
class Dropout__p_keeps(_Right):
    def forward(self, x):
        if self.training:
            self.scale = (self.rng.random(x.shape) < self.p) / self.p if self.p else np.zeros(x.shape)
        else:
            self.scale = np.ones(x.shape)
        return x * self.scale


@misconception(
    "Dropout",
    belief="Dropout only switches units off.",
    hint="Feed a thousand ones and look at the mean of the output.",
    fails=("dropout_class",),
)
class Dropout__no_rescaling(_Right):
    def forward(self, x):
        self.scale = self.draw(x.shape) if self.training else np.ones(x.shape)
        return x * self.scale


@misconception(
    "Dropout",
    belief="The gradient passes the kept units as it is.",
    hint="For a kept unit, y is x times a constant. What is dy/dx?",
    fails=("dropout_class",),
)
class Dropout__backward_unscaled(_Right):
    def backward(self, dy):
        return dy * (self.scale != 0)


@misconception(
    "Dropout",
    belief="The mask is kept in the class: there is only one layer anyway.",
    hint="Make two layers, call forward on both, then backward on the first.",
    fails=("dropout_class",),
    visible=False,
)
class Dropout__mask_in_the_class(_Right):
    def forward(self, x):
        _Shared.scale = self.draw(x.shape) / (1 - self.p) if self.training else np.ones(x.shape)
        return x * _Shared.scale

    def backward(self, dy):
        return dy * _Shared.scale


class _Shared:
    scale: Any = np.ones(())


@misconception(
    "Dropout",
    belief="backward uses the mask of the first forward pass.",
    hint="Call forward twice, then backward. Which zeros should the gradient have?",
    fails=("dropout_class",),
    visible=False,
)
class Dropout__first_mask_in_backward(_Right):
    def forward(self, x):
        y = super().forward(x)
        if getattr(self, "first", np.zeros(())).shape != x.shape:
            self.first = self.scale
        return y

    def backward(self, dy):
        return dy * (self.first if self.training else self.scale)


@misconception(
    "Dropout",
    belief="In evaluation mode forward returns x and has nothing to store.",
    hint="Call forward, then eval() and forward, then backward. Which forward pass was the last?",
    fails=("dropout_class",),
    visible=False,
)
class Dropout__old_mask_after_evaluation(_Right):
    def forward(self, x):
        return super().forward(x) if self.training else x.copy()


@misconception(
    "Dropout",
    belief="Whether backward applies the mask depends on the mode that the layer is in now.",
    hint="Call forward, then eval(), then backward. Was the forward pass without dropout?",
    fails=("dropout_class",),
    visible=False,
)
class Dropout__mode_at_backward(_Right):
    def backward(self, dy):
        return super().backward(dy) if self.training else dy.copy()


@misconception(
    "Dropout",
    belief="The mask is used up by backward.",
    hint="Call backward twice after one forward pass.",
    fails=("dropout_class",),
    visible=False,
)
class Dropout__mask_used_up(_Right):
    def backward(self, dy):
        dx, self.scale = dy * self.scale, np.ones(())
        return dx


@misconception(
    "Dropout",
    belief="The mask can be read off the output: a unit was dropped where y = 0.",
    hint="After a ReLU many units are zero before dropout sees them. Were they dropped?",
    fails=("dropout_class",),
    visible=False,
)
class Dropout__mask_from_the_output(_Right):
    def forward(self, x):
        self.y = super().forward(x)
        return self.y

    def backward(self, dy):
        return dy * (self.y != 0) / (1 - self.p) if self.training else dy.copy()


@misconception(
    "Dropout",
    belief="Exactly the fraction p of all units is dropped in every pass.",
    hint="Count the dropped units of several passes. Would independent coin flips always give the same count?",
    fails=("dropout_class",),
    visible=False,
)
class Dropout__exact_count_in_every_pass(_Right):
    def draw(self, shape):
        size = int(np.prod(shape))
        return (self.rng.permutation(size) >= round(self.p * size)).reshape(shape)


@misconception(
    "Dropout",
    belief="Training begins with train(), so the generator is made there.",
    hint="Training and evaluation alternate. Does the second epoch drop the same units as the first?",
    fails=("dropout_class",),
    visible=False,
)
class Dropout__train_starts_over(_Right):
    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.seed = seed

    def train(self):
        super().train()
        self.rng = np.random.default_rng(self.seed)


@misconception(
    "Dropout",
    belief="Whether p makes sense shows when the layer is used.",
    hint="Make a layer with p = 1.5 and do nothing else.",
    fails=("dropout_class",),
)
class Dropout__p_checked_in_forward(_Right):
    def __init__(self, p, seed):
        super().__init__(0.0, seed)
        self.p = p

    def forward(self, x):
        _require(self.p)
        return super().forward(x)


@misconception(
    "Dropout",
    belief="The layer may work in place.",
    hint="Print x before and after forward.",
    fails=("dropout_class",),
    visible=False,
)
class Dropout__writes_into_x(_Right):
    def forward(self, x):
        self.scale = self.draw(x.shape) / (1 - self.p) if self.training else np.ones(x.shape)
        x *= self.scale
        return x


# l2_penalty


@misconception(
    "l2_penalty",
    belief="The penalty is λ Σ‖W‖², without the one half.",
    hint="Differentiate your value with respect to a single weight. Is that your gradient?",
    fails=("l2_penalty",),
)
def l2_penalty__half_missing(weights, lam):
    return lam * sum((w**2).sum() for w in weights), [lam * w for w in weights]


@misconception(
    "l2_penalty",
    belief="The derivative of the square leaves a factor of 2.",
    hint="Take a single weight: differentiate ½λω² with the factor in front.",
    fails=("l2_penalty",),
)
def l2_penalty__gradient_twice(weights, lam):
    return 0.5 * lam * sum((w**2).sum() for w in weights), [2 * lam * w for w in weights]


@misconception(
    "l2_penalty",
    belief="The penalty is λ Σ‖W‖² with gradients 2λW.",
    hint="Your gradients fit your value, but both carry a constant that the exercise's formula does not have.",
    fails=("l2_penalty",),
)
def l2_penalty__both_doubled(weights, lam):
    return lam * sum((w**2).sum() for w in weights), [2 * lam * w for w in weights]


@misconception(
    "l2_penalty",
    belief="‖W‖ enters without its square.",
    hint="Try weights twice as large: by which factor should the penalty grow?",
    fails=("l2_penalty",),
)
def l2_penalty__norm_not_squared(weights, lam):
    return 0.5 * lam * sum(np.linalg.norm(w.ravel()) for w in weights), [lam * w for w in weights]


@misconception(
    "l2_penalty",
    belief="The penalty adds up magnitudes (L1).",
    hint="Which norm do you use? Try a weight of 3.",
    fails=("l2_penalty",),
)
def l2_penalty__magnitudes(weights, lam):
    return lam * sum(np.abs(w).sum() for w in weights), [lam * np.sign(w) for w in weights]


@misconception(
    "l2_penalty",
    belief="The squares are averaged.",
    hint="Sum or mean? Compare one array of two entries with one of four.",
    fails=("l2_penalty",),
)
def l2_penalty__mean_of_squares(weights, lam):
    return 0.5 * lam * sum((w**2).mean() for w in weights), [lam * w / w.size for w in weights]


@misconception(
    "l2_penalty",
    belief="The gradient of the penalty is the weights themselves.",
    hint="How should the gradients change when λ is doubled?",
    fails=("l2_penalty",),
)
def l2_penalty__gradient_without_lambda(weights, lam):
    return 0.5 * lam * sum((w**2).sum() for w in weights), [w.copy() for w in weights]


@misconception(
    "l2_penalty",
    belief="The value in the loop is set, not added up.",
    hint="Call it with two arrays, then with each of them alone, and compare the values.",
    fails=("l2_penalty",),
)
def l2_penalty__last_array_only(weights, lam):
    for w in weights:
        value = 0.5 * lam * (w**2).sum()
    return value, [lam * w for w in weights]


@misconception(
    "l2_penalty",
    belief="The penalty has one value for every array.",
    hint="The penalty is added to the loss: what shape must it have?",
    fails=("l2_penalty",),
)
def l2_penalty__one_value_per_array(weights, lam):
    return np.array([0.5 * lam * (w**2).sum() for w in weights]), [lam * w for w in weights]


@misconception(
    "l2_penalty",
    belief="The gradients come as one long vector.",
    hint="The optimizer updates array by array: what form do the gradients need?",
    fails=("l2_penalty",),
)
def l2_penalty__one_vector(weights, lam):
    flat = np.concatenate([w.ravel() for w in weights])
    return 0.5 * lam * flat @ flat, lam * flat


@misconception(
    "l2_penalty",
    belief="‖W‖² is the spectral norm, squared.",
    hint="Take W = [[1, 0], [0, 1]] and add up the squares of its entries.",
    fails=("l2_penalty",),
)
def l2_penalty__spectral_norm(weights, lam):
    norms = [np.linalg.norm(w.reshape(len(w), -1), 2) for w in weights]
    return 0.5 * lam * sum(n**2 for n in norms), [lam * w for w in weights]


@misconception(
    "l2_penalty",
    belief="Weights can be scaled in place to get the gradients.",
    hint="Print the weights before and after the call.",
    fails=("l2_penalty",),
    visible=False,
)
def l2_penalty__writes_into_weights(weights, lam):
    value = 0.5 * lam * sum((w**2).sum() for w in weights)
    for w in weights:
        np.multiply(w, lam, out=w)
    return value, weights


@misconception(
    "l2_penalty",
    belief="Without λ there is no penalty, so there are no gradients either.",
    hint="An optimizer adds your gradients to others, array by array. What can it add for λ = 0?",
    fails=("l2_penalty",),
    visible=False,
)
def l2_penalty__nothing_for_lambda_zero(weights, lam):
    if lam == 0:
        return 0.0, []
    return 0.5 * lam * sum(np.sum(w**2) for w in weights), [lam * w for w in weights]


# early_stopping


def _stopping(losses, patience, *, improves, stop=lambda waited, patience: waited >= patience):
    best, waited = 0, 0
    for epoch in range(1, len(losses)):
        if improves(losses, epoch, best):
            best, waited = epoch, 0
        else:
            waited += 1
            if stop(waited, patience):
                return best, epoch
    return best, len(losses) - 1


@misconception(
    "early_stopping",
    belief="Training stops when more than `patience` epochs did not improve.",
    hint="Write down the losses 1, 2, 2, 2 with patience 1: after which epoch is patience used up?",
    fails=("early_stopping",),
)
def early_stopping__one_epoch_late(val_losses, patience, min_delta=0.0):
    return _stopping(
        val_losses,
        patience,
        improves=lambda v, epoch, best: v[epoch] < v[best] - min_delta,
        stop=lambda waited, patience: waited > patience,
    )


@misconception(
    "early_stopping",
    belief="The best epoch is the first of the epochs without improvement.",
    hint="Count only the epochs after the best one: how many are there when training stops?",
    fails=("early_stopping",),
)
def early_stopping__one_epoch_early(val_losses, patience, min_delta=0.0):
    return _stopping(
        val_losses,
        patience,
        improves=lambda v, epoch, best: v[epoch] < v[best] - min_delta,
        stop=lambda waited, patience: waited >= max(patience - 1, 1),
    )


@misconception(
    "early_stopping",
    belief="An epoch improves when its loss is below that of the epoch before.",
    hint="A loss can fall from a bad value to a less bad one. With what must it be compared?",
    fails=("early_stopping",),
)
def early_stopping__compares_with_the_previous(val_losses, patience, min_delta=0.0):
    best, waited = 0, 0
    for epoch in range(1, len(val_losses)):
        if val_losses[epoch] < val_losses[epoch - 1] - min_delta:
            best, waited = epoch, 0
        else:
            waited += 1
            if waited == patience:
                return best, epoch
    return best, len(val_losses) - 1


@misconception(
    "early_stopping",
    belief="All epochs without improvement are counted.",
    hint="What should an improvement do to the count of bad epochs?",
    fails=("early_stopping",),
)
def early_stopping__count_never_reset(val_losses, patience, min_delta=0.0):
    best, waited = 0, 0
    for epoch in range(1, len(val_losses)):
        if val_losses[epoch] < val_losses[best] - min_delta:
            best = epoch
        else:
            waited += 1
            if waited == patience:
                return best, epoch
    return best, len(val_losses) - 1


@misconception(
    "early_stopping",
    belief="The best epoch is the smallest loss of the whole run.",
    hint="Training has stopped: can it know of losses that come later?",
    fails=("early_stopping",),
)
def early_stopping__looks_into_the_future(val_losses, patience, min_delta=0.0):
    _, stop = _stopping(val_losses, patience, improves=lambda v, epoch, best: v[epoch] < v[best] - min_delta)
    return int(np.argmin(val_losses)), stop


@misconception(
    "early_stopping",
    belief="A loss equal to the best one counts as an improvement.",
    hint="How long would training go on if the loss never changed again?",
    fails=("early_stopping",),
)
def early_stopping__equal_is_better(val_losses, patience, min_delta=0.0):
    return _stopping(val_losses, patience, improves=lambda v, epoch, best: v[epoch] <= v[best] - min_delta)


@misconception(
    "early_stopping",
    belief="min_delta is not needed.",
    hint="Use min_delta = 0.5 on losses that fall by 0.1.",
    fails=("early_stopping",),
)
def early_stopping__min_delta_ignored(val_losses, patience, min_delta=0.0):
    return _stopping(val_losses, patience, improves=lambda v, epoch, best: v[epoch] < v[best])


@misconception(
    "early_stopping",
    belief="min_delta is a tolerance: a loss a little above the best still improves.",
    hint="On which side of the best loss does the threshold lie?",
    fails=("early_stopping",),
)
def early_stopping__min_delta_with_the_wrong_sign(val_losses, patience, min_delta=0.0):
    return _stopping(val_losses, patience, improves=lambda v, epoch, best: v[epoch] < v[best] + min_delta)


@misconception(
    "early_stopping",
    belief="min_delta is relative to the best loss.",
    hint="Is min_delta a fraction of the loss or a difference of losses?",
    fails=("early_stopping",),
)
def early_stopping__min_delta_relative(val_losses, patience, min_delta=0.0):
    return _stopping(val_losses, patience, improves=lambda v, epoch, best: v[epoch] < v[best] * (1 - min_delta))


@misconception(
    "early_stopping",
    belief="best follows every smaller loss, also when the gain is below min_delta.",
    hint="Several small gains can add up to more than min_delta. With which loss must each epoch be compared?",
    fails=("early_stopping",),
    visible=False,
)
def early_stopping__best_creeps_along(val_losses, patience, min_delta=0.0):
    best, lowest, waited = 0, val_losses[0], 0
    for epoch in range(1, len(val_losses)):
        if val_losses[epoch] < lowest - min_delta:
            best, waited = epoch, 0
        else:
            waited += 1
            if waited == patience:
                return best, epoch
        lowest = min(lowest, val_losses[epoch])
    return best, len(val_losses) - 1


@misconception(
    "early_stopping",
    belief="An equal loss, or one within min_delta, is no improvement but no bad epoch either.",
    hint="How many epochs in a row have not improved when the loss stays the same? Do they all count?",
    fails=("early_stopping",),
)
def early_stopping__only_worse_epochs_count(val_losses, patience, min_delta=0.0):
    best, waited = 0, 0
    for epoch in range(1, len(val_losses)):
        if val_losses[epoch] < val_losses[best] - min_delta:
            best, waited = epoch, 0
        elif val_losses[epoch] > val_losses[best]:
            waited += 1
            if waited == patience:
                return best, epoch
    return best, len(val_losses) - 1


@misconception(
    "early_stopping",
    belief="The best epoch is the smallest loss so far, whatever min_delta says.",
    hint="Does an epoch that gains less than min_delta count as an improvement?",
    fails=("early_stopping",),
)
def early_stopping__best_ignores_min_delta(val_losses, patience, min_delta=0.0):
    _, stop = _stopping(val_losses, patience, improves=lambda v, epoch, best: v[epoch] < v[best] - min_delta)
    return int(np.argmin(val_losses[: stop + 1])), stop


@misconception(
    "early_stopping",
    belief="Epochs count from 1.",
    hint="What is the number of the first epoch in this course?",
    fails=("early_stopping",),
)
def early_stopping__counts_from_one(val_losses, patience, min_delta=0.0):
    best, stop = _stopping(val_losses, patience, improves=lambda v, epoch, best: v[epoch] < v[best] - min_delta)
    return best + 1, stop + 1


@misconception(
    "early_stopping",
    belief="If patience never runs out, training stops after the last epoch, at their number.",
    hint="Epochs count from 0. What is the number of the last one?",
    fails=("early_stopping",),
)
def early_stopping__past_the_end(val_losses, patience, min_delta=0.0):
    best, stop = _stopping(val_losses, patience, improves=lambda v, epoch, best: v[epoch] < v[best] - min_delta)
    return best, stop if stop - best >= patience else len(val_losses)


@misconception(
    "early_stopping",
    belief="Training stops `patience` epochs after the best one, always.",
    hint="Can it stop at an epoch that was never run?",
    fails=("early_stopping",),
)
def early_stopping__best_plus_patience(val_losses, patience, min_delta=0.0):
    best, _ = _stopping(val_losses, patience, improves=lambda v, epoch, best: v[epoch] < v[best] - min_delta)
    return best, best + patience


@misconception(
    "early_stopping",
    belief="The loss itself is what is wanted.",
    hint="An epoch or a loss? Look at the name of the first result.",
    fails=("early_stopping",),
)
def early_stopping__returns_the_loss(val_losses, patience, min_delta=0.0):
    best, stop = _stopping(val_losses, patience, improves=lambda v, epoch, best: v[epoch] < v[best] - min_delta)
    return val_losses[best], stop


@misconception(
    "early_stopping",
    belief="`if not best_loss` asks whether there is a best loss yet.",
    hint="Which numbers does Python take for false? Can a loss be one of them?",
    fails=("early_stopping",),
    visible=False,
)
def early_stopping__zero_is_no_loss(val_losses, patience, min_delta=0.0):
    best_loss, best, waited = None, 0, 0
    for epoch, loss in enumerate(val_losses):
        if not best_loss or loss < best_loss - min_delta:
            best_loss, best, waited = loss, epoch, 0
        else:
            waited += 1
            if waited >= patience:
                return best, epoch
    return best, len(val_losses) - 1


@misconception(
    "early_stopping",
    belief="No loss is larger than 1000, so best can start there.",
    hint="What if every loss is larger than the value that best starts from?",
    fails=("early_stopping",),
    visible=False,
)
def early_stopping__best_starts_at_a_constant(val_losses, patience, min_delta=0.0):
    best_loss, best, waited = 1000.0, 0, 0
    for epoch, loss in enumerate(val_losses):
        if loss < best_loss - min_delta:
            best_loss, best, waited = loss, epoch, 0
        else:
            waited += 1
            if waited >= patience:
                return best, epoch
    return best, len(val_losses) - 1


# magnitude_prune


def _pruned(w, order, count):
    mask = np.ones(w.size, dtype=bool)
    mask[order[:count]] = False
    mask = mask.reshape(w.shape)
    return w * mask, mask


@misconception(
    "magnitude_prune",
    belief="The most negative weights are the smallest.",
    hint="Is −3 a small weight?",
    fails=("magnitude_prune",),
)
def magnitude_prune__signed(w, fraction):
    return _pruned(w, np.argsort(w.ravel(), kind="stable"), int(fraction * w.size))


@misconception(
    "magnitude_prune",
    belief="The fraction says how many weights stay.",
    hint="With fraction = 0.25 and 8 weights, how many zeros should there be?",
    fails=("magnitude_prune",),
)
def magnitude_prune__fraction_kept(w, fraction):
    return _pruned(w, np.argsort(np.abs(w).ravel(), kind="stable"), w.size - int(fraction * w.size))


@misconception(
    "magnitude_prune",
    belief="The largest weights go.",
    hint="Which weights matter least for the output?",
    fails=("magnitude_prune",),
)
def magnitude_prune__largest_go(w, fraction):
    return _pruned(w, np.argsort(-np.abs(w).ravel(), kind="stable"), int(fraction * w.size))


@misconception(
    "magnitude_prune",
    belief="Half a weight is rounded to the nearest whole number.",
    hint="With fraction = 0.5 and 7 weights, how many go? Look at the brackets in the formula.",
    fails=("magnitude_prune",),
)
def magnitude_prune__rounds(w, fraction):
    return _pruned(w, np.argsort(np.abs(w).ravel(), kind="stable"), int(np.floor(fraction * w.size + 0.5)))


@misconception(
    "magnitude_prune",
    belief="Half a weight is rounded up.",
    hint="With fraction = 0.5 and 7 weights, how many go? Look at the brackets in the formula.",
    fails=("magnitude_prune",),
)
def magnitude_prune__rounds_up(w, fraction):
    return _pruned(w, np.argsort(np.abs(w).ravel(), kind="stable"), int(np.ceil(fraction * w.size)))


@misconception(
    "magnitude_prune",
    belief="Everything up to the threshold goes.",
    hint="Try an array whose weights all have the same magnitude, with fraction = 0.5.",
    fails=("magnitude_prune",),
    visible=False,
)
def magnitude_prune__threshold_takes_all_ties(w, fraction):
    count = int(fraction * w.size)
    if count == 0:
        return w.copy(), np.ones(w.shape, dtype=bool)
    mask = np.abs(w) > np.sort(np.abs(w).ravel())[count - 1]
    return w * mask, mask


@misconception(
    "magnitude_prune",
    belief="Everything below the threshold goes.",
    hint="Try an array whose weights all have the same magnitude, with fraction = 0.5.",
    fails=("magnitude_prune",),
    visible=False,
)
def magnitude_prune__threshold_spares_all_ties(w, fraction):
    count = int(fraction * w.size)
    if count == w.size:
        return 0 * w, np.zeros(w.shape, dtype=bool)
    mask = np.abs(w) >= np.sort(np.abs(w).ravel())[count]
    return w * mask, mask


@misconception(
    "magnitude_prune",
    belief="Among equals the later one goes first.",
    hint="Try [1, 1, 1, 1] with fraction = 0.5: which two should stay?",
    fails=("magnitude_prune",),
    visible=False,
)
def magnitude_prune__later_index_first(w, fraction):
    order = np.lexsort((-np.arange(w.size), np.abs(w).ravel()))
    return _pruned(w, order, int(fraction * w.size))


@misconception(
    "magnitude_prune",
    belief="np.argpartition or the default np.argsort keeps equals in order.",
    hint="Read what the documentation of the sort says about equal elements.",
    fails=("magnitude_prune",),
    visible=False,
)
def magnitude_prune__unstable_order(w, fraction):
    count = int(fraction * w.size)
    order = np.arange(w.size) if count in (0, w.size) else np.argpartition(np.abs(w).ravel(), count)
    return _pruned(w, order, count)


@misconception(
    "magnitude_prune",
    belief="Every row loses the same fraction.",
    hint="Try a matrix with one row of small weights and one of large ones.",
    fails=("magnitude_prune",),
)
def magnitude_prune__row_by_row(w, fraction):
    rows = w.reshape(len(w), -1)
    parts = [_pruned(row, np.argsort(np.abs(row), kind="stable"), int(fraction * row.size)) for row in rows]
    return np.array([p for p, _ in parts]).reshape(w.shape), np.array([m for _, m in parts]).reshape(w.shape)


@misconception(
    "magnitude_prune",
    belief="The fraction is a threshold relative to the largest weight.",
    hint="A fraction of what: of the number of weights or of the largest weight?",
    fails=("magnitude_prune",),
)
def magnitude_prune__fraction_of_the_largest(w, fraction):
    mask = np.abs(w) >= fraction * np.abs(w).max()
    return w * mask, mask


@misconception(
    "magnitude_prune",
    belief="The mask marks what was removed.",
    hint="What should w * mask be?",
    fails=("magnitude_prune",),
)
def magnitude_prune__mask_inverted(w, fraction):
    pruned, mask = _pruned(w, np.argsort(np.abs(w).ravel(), kind="stable"), int(fraction * w.size))
    return pruned, ~mask


@misconception(
    "magnitude_prune",
    belief="The mask says where the pruned weights are not zero.",
    hint="A weight can be zero before pruning and still be kept. Try fraction = 0.",
    fails=("magnitude_prune",),
    visible=False,
)
def magnitude_prune__mask_from_the_result(w, fraction):
    pruned, _ = _pruned(w, np.argsort(np.abs(w).ravel(), kind="stable"), int(fraction * w.size))
    return pruned, pruned != 0


@misconception(
    "magnitude_prune",
    belief="A ravelled array can be written to and returned.",
    hint="Print w before and after the call.",
    fails=("magnitude_prune",),
    visible=False,
)
def magnitude_prune__writes_into_w(w, fraction):
    order = np.argsort(np.abs(w).ravel(), kind="stable")[: int(fraction * w.size)]
    mask = np.ones(w.shape, dtype=bool)
    mask.flat[order] = False
    w[~mask] = 0
    return w, mask


@misconception(
    "magnitude_prune",
    belief="The result is the list of weights that are left, as a vector.",
    hint="Which shape must the results have?",
    fails=("magnitude_prune",),
)
def magnitude_prune__flat(w, fraction):
    pruned, mask = _pruned(w, np.argsort(np.abs(w).ravel(), kind="stable"), int(fraction * w.size))
    return pruned.ravel(), mask.ravel()


@misconception(
    "magnitude_prune",
    belief="w[-0:] or order[-n:] picks nothing when n is 0.",
    hint="Try fraction = 1 and fraction = 0.",
    fails=("magnitude_prune",),
    visible=False,
)
def magnitude_prune__all_stay_when_none_should(w, fraction):
    stay = w.size - int(fraction * w.size)
    mask = np.zeros(w.size, dtype=bool)
    mask[np.lexsort((np.arange(w.size), np.abs(w).ravel()))[-stay:]] = True
    mask = mask.reshape(w.shape)
    return w * mask, mask


# mc_dropout


@misconception(
    "mc_dropout",
    belief="The standard deviation divides by passes − 1.",
    hint="The population or the sample formula? Try two passes with the answers 0 and 2.",
    fails=("mc_dropout",),
)
def mc_dropout__sample_std(forward, x, passes):
    outputs = np.stack([forward(x) for _ in range(passes)])
    return outputs.mean(axis=0), outputs.std(axis=0, ddof=1) if passes > 1 else 0 * outputs[0]


@misconception(
    "mc_dropout",
    belief="The prediction is the median of the passes, which outliers do not move.",
    hint="Take three passes with the answers 0, 1 and 5. Which number is asked for?",
    fails=("mc_dropout",),
)
def mc_dropout__median(forward, x, passes):
    outputs = np.stack([forward(x) for _ in range(passes)])
    return np.median(outputs, axis=0), outputs.std(axis=0)


@misconception(
    "mc_dropout",
    belief="The variance is returned.",
    hint="Variance or standard deviation? If the answers are in volts, what is the unit of your result?",
    fails=("mc_dropout",),
)
def mc_dropout__variance(forward, x, passes):
    outputs = np.stack([forward(x) for _ in range(passes)])
    return outputs.mean(axis=0), outputs.var(axis=0)


@misconception(
    "mc_dropout",
    belief="The uncertainty shrinks with the number of passes (standard error of the mean).",
    hint="The spread of the answers is asked for, not how well their mean is known.",
    fails=("mc_dropout",),
)
def mc_dropout__standard_error(forward, x, passes):
    outputs = np.stack([forward(x) for _ in range(passes)])
    return outputs.mean(axis=0), outputs.std(axis=0) / np.sqrt(passes)


@misconception(
    "mc_dropout",
    belief="One call of forward can be copied.",
    hint="How often does your code call forward, and does every call draw new masks?",
    fails=("mc_dropout",),
)
def mc_dropout__one_call_repeated(forward, x, passes):
    outputs = np.stack([forward(x)] * passes)
    return outputs.mean(axis=0), outputs.std(axis=0)


@misconception(
    "mc_dropout",
    belief="Mean and spread are taken over the examples of the batch.",
    hint="Over which axis do you average: passes, examples or classes?",
    fails=("mc_dropout",),
)
def mc_dropout__over_the_batch(forward, x, passes):
    outputs = np.stack([forward(x) for _ in range(passes)])
    return outputs.mean(axis=1), outputs.std(axis=1)


@misconception(
    "mc_dropout",
    belief="Mean and spread are single numbers.",
    hint="Which shape do the results have? Every output of every example has its own uncertainty.",
    fails=("mc_dropout",),
)
def mc_dropout__single_numbers(forward, x, passes):
    outputs = np.stack([forward(x) for _ in range(passes)])
    return outputs.mean(), outputs.std()


@misconception(
    "mc_dropout",
    belief="The first pass is a warm-up.",
    hint="Count the calls of forward.",
    fails=("mc_dropout",),
)
def mc_dropout__one_pass_too_many(forward, x, passes):
    forward(x)
    outputs = np.stack([forward(x) for _ in range(passes)])
    return outputs.mean(axis=0), outputs.std(axis=0)


@misconception(
    "mc_dropout",
    belief="range(1, passes) makes `passes` passes.",
    hint="Count the calls of forward.",
    fails=("mc_dropout",),
)
def mc_dropout__one_pass_short(forward, x, passes):
    outputs = np.stack([forward(x) for _ in range(1, passes)] or [forward(x)])
    return outputs.mean(axis=0), outputs.std(axis=0)


@misconception(
    "mc_dropout",
    belief="One call on a batch of copies is the same as several calls.",
    hint="forward must be called `passes` times with the x that it was given.",
    fails=("mc_dropout",),
)
def mc_dropout__one_large_batch(forward, x, passes):
    outputs = np.asarray(forward(np.repeat(x[None], passes, axis=0).reshape(-1, *x.shape[1:])))
    outputs = outputs.reshape(passes, len(x), -1)
    return outputs.mean(axis=0), outputs.std(axis=0)


@misconception(
    "mc_dropout",
    belief="Each pass gets the output of the one before.",
    hint="What is the argument of forward in the second pass?",
    fails=("mc_dropout",),
)
def mc_dropout__fed_back(forward, x, passes):
    outputs = []
    for _ in range(passes):
        x = forward(x)
        outputs.append(x)
    return np.mean(outputs, axis=0), np.std(outputs, axis=0)


@misconception(
    "mc_dropout",
    belief="The spread is the mean distance from the mean.",
    hint="Standard deviation or mean absolute deviation? Try the answers 0, 0 and 3.",
    fails=("mc_dropout",),
)
def mc_dropout__mean_absolute_deviation(forward, x, passes):
    outputs = np.stack([forward(x) for _ in range(passes)])
    mean = outputs.mean(axis=0)
    return mean, np.abs(outputs - mean).mean(axis=0)
