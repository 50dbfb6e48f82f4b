"""Known-wrong solutions of scaling_laws, as a student would write them."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from course_lib.checking.model import misconception

# ------------------------------------------------------------------------------------------------------- power laws


def _line(u, v):
    """Slope and intercept, by numpy.polyfit. Where that would fail, LAPACK would say so on the terminal first."""
    if not (np.isfinite(u).all() and np.isfinite(v).all() and u.any()):
        raise np.linalg.LinAlgError("SVD did not converge in Linear Least Squares")
    return np.polyfit(u, v, 1)


def _offset_fit(x, y, exponents=None):
    """Right, but for the exponents it may try: a, p, r."""
    rounds = 1 if exponents is not None else 6
    exponents = np.linspace(-3, -0.01, 300) if exponents is None else exponents
    best = None
    for _ in range(rounds):
        for p in exponents:
            A = np.stack([x**p, np.ones_like(x)], 1)
            (a, r), *_ = np.linalg.lstsq(A, y, rcond=None)
            if r < 0:
                a, r = (x**p @ y) / (x**p @ x**p), 0.0
            sse = ((a * x**p + r - y) ** 2).sum()
            if best is None or sse < best[0]:
                best = (sse, a, p, r)
        step = exponents[1] - exponents[0]
        exponents = np.linspace(best[2] - step, min(best[2] + step, -1e-4), 21)
    return best[1], best[2], best[3]


@misconception(
    "fit_power_law",
    belief="Least squares is least squares: of y itself.",
    hint="On which scale is a power law a straight line? The fit should weigh relative deviations alike.",
    fails=("fit_power_law",),
)
def fit_power_law__fitted_on_the_linear_scale(x, y):
    p = _line(np.log(x), np.log(y))[0]
    for _ in range(50):
        A = np.stack([x**p, np.log(x) * x**p], 1)
        if not np.isfinite(A).all():
            return np.exp(np.log(y).mean() - p * np.log(x).mean()), p
        a, change = np.linalg.lstsq(A, y, rcond=None)[0]
        p = p + np.clip(change / a, -0.1, 0.1) if a != 0 else p
    return float(a), float(p)


@misconception(
    "fit_power_law",
    belief="The intercept of the line is a.",
    hint="Write down the logarithm of a·x^p. What is its value at ln x = 0, and what has to be undone?",
    fails=("fit_power_law",),
)
def fit_power_law__log_of_a(x, y):
    p, c = _line(np.log(x), np.log(y))
    return c, p


@misconception(
    "fit_power_law",
    belief="All logarithms are the same up to a factor that cancels.",
    hint="A factor between two logarithms cancels in a slope. Does it in the intercept, when you undo it?",
    fails=("fit_power_law",),
)
def fit_power_law__log_and_log10_mixed(x, y):
    p, c = _line(np.log(x), np.log(y))
    return 10.0**c, p


@misconception(
    "fit_power_law",
    belief="Only y spans orders of magnitude, so only y needs the logarithm.",
    hint="Take the logarithm of both sides of y = a·x^p. What multiplies p?",
    fails=("fit_power_law",),
)
def fit_power_law__semilog(x, y):
    p, c = _line(x / x.mean(), np.log(y))
    return np.exp(c), p


@misconception(
    "fit_power_law",
    belief="Two points determine the line: the first and the last.",
    hint="A line through two of the points ignores all others. Where do the others enter?",
    fails=("fit_power_law",),
)
def fit_power_law__from_the_end_points(x, y):
    p = np.log(y[-1] / y[0]) / np.log(x[-1] / x[0])
    return y[0] / x[0] ** p, p


@misconception(
    "fit_power_law",
    belief="Whether ln y is regressed on ln x or the reverse does not matter.",
    hint="Least squares of what? The deviations that are squared should be those of ln y.",
    fails=("fit_power_law",),
)
def fit_power_law__x_on_y(x, y):
    q, c = _line(np.log(y), np.log(x))
    return np.exp(-c / q), 1 / q


@misconception(
    "fit_power_law",
    belief="The exponent of a falling law is given as a positive number.",
    hint="For which sign of p does a·x^p fall?",
    fails=("fit_power_law",),
)
def fit_power_law__sign_of_the_exponent(x, y):
    p, c = _line(np.log(x), np.log(y))
    return np.exp(c), -p


@misconception(
    "fit_power_law",
    belief="The line must start at the first measurement.",
    hint="The first measurement scatters like all others. Is the intercept free in your fit?",
    fails=("fit_power_law",),
)
def fit_power_law__through_the_first_point(x, y):
    u, v = np.log(x / x[0]), np.log(y / y[0])
    p = (u @ v) / (u @ u)
    return y[0] / x[0] ** p, p


@misconception(
    "fit_power_law_offset",
    belief="On logarithmic axes everything falls on a straight line.",
    hint="Plot ln y against ln x for your data: is it a straight line at the right end?",
    fails=("fit_power_law_offset",),
)
def fit_power_law_offset__no_offset(x, y):
    p, c = _line(np.log(x), np.log(y))
    return np.exp(c), min(p, -1e-6), 0.0


@misconception(
    "fit_power_law_offset",
    belief="The curve has reached its floor at the last point.",
    hint="Does a falling power law reach its floor at any finite x? What would ln(y − r) be there?",
    fails=("fit_power_law_offset",),
)
def fit_power_law_offset__offset_is_the_smallest_value(x, y):
    r = y.min()
    keep = y > r
    p, c = _line(np.log(x[keep]), np.log(y[keep] - r))
    return np.exp(c), p, r


@misconception(
    "fit_power_law_offset",
    belief="The floor lies a little below the last point: one per cent.",
    hint=(
        "How far the curve still has to fall is part of the question. Try several r: which one makes ln(y − "
        "r) a straight line?"
    ),
    fails=("fit_power_law_offset",),
)
def fit_power_law_offset__offset_just_below_the_smallest_value(x, y):
    r = 0.99 * y.min()
    p, c = _line(np.log(x), np.log(y - r))
    return np.exp(c), min(p, -1e-6), r


@misconception(
    "fit_power_law_offset",
    belief="The exponent is reported as the positive rate of decay.",
    hint="Insert your numbers into y = a·x^p + r. Does it fall?",
    fails=("fit_power_law_offset",),
)
def fit_power_law_offset__positive_exponent(x, y):
    a, p, r = _offset_fit(x, y)
    return a, -p, r


@misconception(
    "fit_power_law_offset",
    belief="A grid of exponents in steps of 0.1 is fine enough.",
    hint="How far can the true exponent lie from the nearest one that you tried? Refine around the best.",
    fails=("fit_power_law_offset",),
)
def fit_power_law_offset__coarse_grid(x, y):
    return _offset_fit(x, y, -np.arange(1, 26) / 10 + 0.013)


@misconception(
    "fit_power_law_offset",
    belief="The order is (a, r, p).",
    hint="Compare the order of what you return with the docstring.",
    fails=("fit_power_law_offset",),
)
def fit_power_law_offset__order_of_the_results(x, y):
    a, p, r = _offset_fit(x, y)
    return a, r, p


@misconception(
    "fit_power_law_offset",
    belief="a is the height of the power term at the smallest x.",
    hint="In a·x^p + r, at which x is the power term equal to a? If you rescaled x, undo it at the end.",
    fails=("fit_power_law_offset",),
)
def fit_power_law_offset__prefactor_at_the_first_size(x, y):
    return _offset_fit(x / x[0], y)


@misconception(
    "fit_power_law_offset",
    belief="Errors of averages fall with the root of the number of samples.",
    hint="The exponent is to be found. How does the misfit change if you try others?",
    fails=("fit_power_law_offset",),
)
def fit_power_law_offset__exponent_fixed_to_a_half(x, y):
    return _offset_fit(x, y, np.array([-0.5, -0.5]))


@misconception(
    "fit_power_law_offset",
    belief="A free intercept is never harmful.",
    hint="What does a negative floor mean for a loss, at very large x?",
    fails=("fit_power_law_offset",),
    visible=False,
)
def fit_power_law_offset__offset_may_be_negative(x, y):
    u = np.log(x) - np.log(x).mean()
    exponents = np.linspace(-3, -0.01, 300)
    for _ in range(6):
        fits = []
        for p in exponents:
            A = np.stack([np.exp(p * u), np.ones_like(x)], 1)
            (a, r), *_ = np.linalg.lstsq(A, y, rcond=None)
            fits.append((((A @ (a, r) - y) ** 2).sum(), a, p, r))
        _, a, p, r = min(fits)
        step = exponents[1] - exponents[0]
        exponents = np.linspace(p - step, min(p + step, -1e-4), 21)
    return a * np.exp(-p * np.log(x).mean()), p, r


@misconception(
    "compute_optimal",
    belief="C = N·D.",
    hint="Insert your N and D into C = 6·N·D.",
    fails=("compute_optimal",),
)
def compute_optimal__six_missing(C, A, B, alpha, beta):
    G = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    return G * C ** (beta / (alpha + beta)), C ** (alpha / (alpha + beta)) / G


@misconception(
    "compute_optimal",
    belief="N grows with the exponent of its own term.",
    hint="If α is large, more parameters soon stop helping. Should N then grow faster or slower with C?",
    fails=("compute_optimal",),
)
def compute_optimal__alpha_and_beta_swapped(C, A, B, alpha, beta):
    G = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    N = G * (C / 6) ** (alpha / (alpha + beta))
    return N, C / (6 * N)


@misconception(
    "compute_optimal",
    belief="Model and data should always grow in equal proportion.",
    hint=("That is right for α = β only. Set the derivative along the constraint to zero, with the exponents left in."),
    fails=("compute_optimal",),
)
def compute_optimal__both_grow_like_the_root(C, A, B, alpha, beta):
    G = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    return G * math.sqrt(C / 6), math.sqrt(C / 6) / G


@misconception(
    "compute_optimal",
    belief="At the optimum both terms of the loss are equal.",
    hint=(
        "What has to be equal at the optimum: the two terms, or how fast each falls along the constraint? The "
        "exponents come down."
    ),
    fails=("compute_optimal",),
)
def compute_optimal__terms_equal(C, A, B, alpha, beta):
    G = (A / B) ** (1 / (alpha + beta))
    return G * (C / 6) ** (beta / (alpha + beta)), (C / 6) ** (alpha / (alpha + beta)) / G


@misconception(
    "compute_optimal",
    belief="The prefactors enter as B/A.",
    hint="If the model term is large (A large), should the best model be larger or smaller?",
    fails=("compute_optimal",),
)
def compute_optimal__prefactor_inverted(C, A, B, alpha, beta):
    G = (beta * B / (alpha * A)) ** (1 / (alpha + beta))
    return G * (C / 6) ** (beta / (alpha + beta)), (C / 6) ** (alpha / (alpha + beta)) / G


@misconception(
    "compute_optimal",
    belief="The order is (D, N).",
    hint="Compare the order of what you return with the docstring.",
    fails=("compute_optimal",),
)
def compute_optimal__order_of_the_results(C, A, B, alpha, beta):
    G = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    return (C / 6) ** (alpha / (alpha + beta)) / G, G * (C / 6) ** (beta / (alpha + beta))


@misconception(
    "compute_optimal",
    belief="After N is chosen, D = C/N.",
    hint="How much compute does one parameter cost for one sample, by the rule above?",
    fails=("compute_optimal",),
)
def compute_optimal__data_from_the_whole_budget(C, A, B, alpha, beta):
    G = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    return G * (C / 6) ** (beta / (alpha + beta)), C / (G * (C / 6) ** (beta / (alpha + beta)))


@misconception(
    "isoflop_optimum",
    belief="A parabola is a parabola, in N.",
    hint="On which axis do sizes like 10, 100, 1000 have equal distances? The parabola belongs there.",
    fails=("compute_optimal",),
)
def isoflop_optimum__parabola_in_n(N, loss):
    s = N / N.mean()
    c2, c1, _ = np.polyfit(s, loss, 2)
    return abs(-c1 / (2 * c2)) * N.mean() + 1e-12


@misconception(
    "isoflop_optimum",
    belief="The best size is the one with the smallest measured loss.",
    hint="The best size may lie between two that were measured. Where is the vertex of the fitted parabola?",
    fails=("compute_optimal",),
)
def isoflop_optimum__smallest_measured(N, loss):
    return N[np.argmin(loss)]


@misconception(
    "isoflop_optimum",
    belief="The vertex of the parabola is the best size.",
    hint="In which variable did you fit the parabola? The vertex is a value of that variable.",
    fails=("compute_optimal",),
)
def isoflop_optimum__vertex_left_as_logarithm(N, loss):
    c2, c1, _ = np.polyfit(np.log(N), loss, 2)
    return -c1 / (2 * c2)


@misconception(
    "isoflop_optimum",
    belief="Whether log10 or ln makes no difference, also on the way back.",
    hint="You took one logarithm on the way in. Which function undoes it?",
    fails=("compute_optimal",),
)
def isoflop_optimum__logarithms_mixed(N, loss):
    c2, c1, _ = np.polyfit(np.log10(N), loss, 2)
    return np.exp(-c1 / (2 * c2))


@misconception(
    "isoflop_optimum",
    belief="The vertex of c2·u² + c1·u + c0 is at −c1/c2.",
    hint="Differentiate c2·u² + c1·u + c0.",
    fails=("compute_optimal",),
)
def isoflop_optimum__two_missing(N, loss):
    c2, c1, _ = np.polyfit(np.log(N), loss, 2)
    return np.exp(-c1 / c2)


@misconception(
    "isoflop_optimum",
    belief="Only the points around the minimum matter.",
    hint="A parabola through three points follows the scatter of each. Least squares uses all points.",
    fails=("compute_optimal",),
    visible=False,
)
def isoflop_optimum__through_the_three_lowest(N, loss):
    k = np.argsort(loss)[:3]
    c2, c1, _ = np.polyfit(np.log(N[k]), loss[k], 2)
    return np.exp(-c1 / (2 * c2))


@misconception(
    "isoflop_optimum",
    belief="The best size is one of those that were tried, or between them.",
    hint="If the loss still falls at the largest model that you trained, where is the vertex of the parabola?",
    fails=("compute_optimal",),
    visible=False,
)
def isoflop_optimum__kept_within_the_measured_sizes(N, loss):
    c2, c1, _ = np.polyfit(np.log(N), loss, 2)
    return float(np.clip(np.exp(-c1 / (2 * c2)), N.min(), N.max()))


@misconception(
    "win_probability",
    belief="The logistic function is the one with e.",
    hint="Work out the win probability for a gap of 400 points by hand: 10 : 1 is asked for.",
    fails=("elo",),
)
def win_probability__base_e(r_a, r_b):
    return 1 / (1 + np.exp((r_b - r_a) / 400))


@misconception(
    "win_probability",
    belief="The sign of the gap is a convention.",
    hint="Who is more likely to win: the player with the higher rating, or the other?",
    fails=("elo",),
)
def win_probability__sign(r_a, r_b):
    return 1 / (1 + 10 ** ((r_a - r_b) / 400))


@misconception(
    "win_probability",
    belief="Ratings are in units of factors of ten.",
    hint="What probability does your function give for ratings of 1500 and 1600?",
    fails=("elo",),
)
def win_probability__four_hundred_missing(r_a, r_b):
    return 1 / (1 + 10.0 ** (r_b - r_a))


@misconception(
    "win_probability",
    belief="The win probability is r_A/(r_A + r_B).",
    hint="That is the law for sizes. Ratings can be negative; only their difference counts.",
    fails=("elo",),
)
def win_probability__share_of_the_ratings(r_a, r_b):
    return 10 ** (r_a / 400) / (10 ** (r_a / 400) + 1)


@misconception(
    "elo_from_size",
    belief="Any logarithm will do, since ratings have no unit.",
    hint=("Ten times the size is 10 : 1 in wins. How many Elo points is that, and how many does your function give?"),
    fails=("elo",),
)
def elo_from_size__natural_logarithm(N):
    return 400 * np.log(N)


@misconception(
    "elo_from_size",
    belief="Ratings are proportional to size.",
    hint="The law speaks of the ratio of sizes. A ratio of sizes must become a difference of ratings.",
    fails=("elo",),
)
def elo_from_size__linear_in_size(N):
    return 400 * N / N.max()


@misconception(
    "elo_from_size",
    belief="Each doubling is worth 400 points.",
    hint=("By the law, what is the win probability against half the size? And what is it for a gap of 400 points?"),
    fails=("elo",),
)
def elo_from_size__base_two(N):
    return 400 * np.log2(N)


@misconception(
    "fit_elo",
    belief="The ratings follow from the games alone.",
    hint=("What does the likelihood ask for if somebody won every game? Each pair that met gets something extra."),
    fails=("elo",),
)
def fit_elo__no_half_wins(wins):
    met = (wins + wins.T) > 0
    W = wins + 1e-9 * met
    games = W + W.T
    s = np.zeros(len(W))
    for _ in range(200):
        p = 1 / (1 + np.exp(s[None, :] - s[:, None]))
        weight = games * p * (1 - p)
        step = np.linalg.lstsq(np.diag(weight.sum(1)) - weight, W.sum(1) - (games * p).sum(1), rcond=None)[0]
        s = s + np.clip(step, -1, 1)
    r = s * 400 / np.log(10)
    return r - r.mean()


@misconception(
    "fit_elo",
    belief="Half a win is added everywhere.",
    hint="Should two players who never met count as having drawn?",
    fails=("elo",),
    visible=False,
)
def fit_elo__half_wins_for_pairs_that_never_met(wins):
    W = wins + 0.5 * (1 - np.eye(len(wins)))
    games = W + W.T
    s = np.zeros(len(W))
    for _ in range(200):
        p = 1 / (1 + np.exp(s[None, :] - s[:, None]))
        weight = games * p * (1 - p)
        step = np.linalg.lstsq(np.diag(weight.sum(1)) - weight, W.sum(1) - (games * p).sum(1), rcond=None)[0]
        s = s + np.clip(step, -1, 1)
    r = s * 400 / np.log(10)
    return r - r.mean()


@misconception(
    "fit_elo",
    belief="A whole win is added to each side.",
    hint="How much is added to each side of a pair that met?",
    fails=("elo",),
)
def fit_elo__one_win_each(wins):
    met = (wins + wins.T) > 0
    W = wins + 1.0 * met
    games = W + W.T
    s = np.zeros(len(W))
    for _ in range(200):
        p = 1 / (1 + np.exp(s[None, :] - s[:, None]))
        weight = games * p * (1 - p)
        step = np.linalg.lstsq(np.diag(weight.sum(1)) - weight, W.sum(1) - (games * p).sum(1), rcond=None)[0]
        s = s + np.clip(step, -1, 1)
    r = s * 400 / np.log(10)
    return r - r.mean()


@misconception(
    "fit_elo",
    belief="The ratings are the logarithms of the strengths.",
    hint="In which unit are your ratings? Check with two players: 10 : 1 is a gap of 400.",
    fails=("elo",),
)
def fit_elo__natural_units(wins):
    met = (wins + wins.T) > 0
    W = wins + 0.5 * met
    games = W + W.T
    s = np.zeros(len(W))
    for _ in range(200):
        p = 1 / (1 + np.exp(s[None, :] - s[:, None]))
        weight = games * p * (1 - p)
        step = np.linalg.lstsq(np.diag(weight.sum(1)) - weight, W.sum(1) - (games * p).sum(1), rcond=None)[0]
        s = s + np.clip(step, -1, 1)
    r = s
    return r - r.mean()


@misconception(
    "fit_elo",
    belief="The rating follows from the share of games won, whoever the opponents were.",
    hint=("A win over a strong player says more than a win over a weak one. Where do the opponents' ratings enter?"),
    fails=("elo",),
)
def fit_elo__score_percentage(wins):
    met = (wins + wins.T) > 0
    W = wins + 0.5 * met
    share = W.sum(1) / (W + W.T).sum(1)
    r = 400 * np.log10(share / (1 - share))
    return r - r.mean()


@misconception(
    "fit_elo",
    belief="wins[i, j] counts the games that i lost.",
    hint="Who won the games that are counted in wins[i, j]? Look at the sign of the result for two players.",
    fails=("elo",),
)
def fit_elo__losses_for_wins(wins):
    met = (wins + wins.T) > 0
    W = wins.T + 0.5 * met
    games = W + W.T
    s = np.zeros(len(W))
    for _ in range(200):
        p = 1 / (1 + np.exp(s[None, :] - s[:, None]))
        weight = games * p * (1 - p)
        step = np.linalg.lstsq(np.diag(weight.sum(1)) - weight, W.sum(1) - (games * p).sum(1), rcond=None)[0]
        s = s + np.clip(step, -1, 1)
    r = s * 400 / np.log(10)
    return r - r.mean()


@misconception(
    "fit_elo",
    belief="One of the players is the reference, with a rating of 0.",
    hint="Ratings have a free constant. Which choice is asked for?",
    fails=("elo",),
)
def fit_elo__first_player_at_zero(wins):
    met = (wins + wins.T) > 0
    W = wins + 0.5 * met
    games = W + W.T
    s = np.zeros(len(W))
    for _ in range(200):
        p = 1 / (1 + np.exp(s[None, :] - s[:, None]))
        weight = games * p * (1 - p)
        step = np.linalg.lstsq(np.diag(weight.sum(1)) - weight, W.sum(1) - (games * p).sum(1), rcond=None)[0]
        s = s + np.clip(step, -1, 1)
    r = s * 400 / np.log(10)
    return r - r[0]


@misconception(
    "fit_elo",
    belief="Ratings are updated game by game, as chess federations do it.",
    hint=(
        "Updates with a fixed factor stop nowhere near the maximum after one pass. At the maximum, expected "
        "and actual scores agree for every player."
    ),
    fails=("elo",),
)
def fit_elo__one_pass_of_updates(wins):
    r = np.zeros(len(wins))
    met = (wins + wins.T) > 0
    for i in range(len(wins)):
        for j in range(len(wins)):
            r = r.copy()
            if met[i, j]:
                gain = 32 * (wins[i, j] + 0.5) * (1 - 1 / (1 + 10 ** ((r[j] - r[i]) / 400)))
                r[i] += gain
                r[j] -= gain
    return r - r.mean()


@misconception(
    "knapsack_value",
    belief="The best move is the most valuable item that fits.",
    hint=("Is there a pool where the most valuable item fills the whole sack? Look further ahead than one move."),
    fails=("knapsack",),
)
def knapsack_value__greedy(values, weights, capacity):
    pool, room, total, mover, passes = list(range(len(values))), [capacity, capacity], [0, 0], 0, 0
    while passes < 2:
        fits = [i for i in pool if weights[i] <= room[mover]]
        passes = 0 if fits else passes + 1
        if fits:
            i = max(fits, key=lambda i: (values[i], -i))
            pool.remove(i)
            room[mover] -= weights[i]
            total[mover] += values[i]
        mover = 1 - mover
    return int(total[0] - total[1])


@misconception(
    "knapsack_value",
    belief="The game ends as soon as one player cannot move.",
    hint="If A cannot move but B can, what happens next?",
    fails=("knapsack",),
)
def knapsack_value__first_pass_ends_the_game(values, weights, capacity):
    v, w = [int(x) for x in values], [int(x) for x in weights]

    @cache
    def to_come(pool, mine, other):
        moves = [i for i in range(len(v)) if pool >> i & 1 and w[i] <= mine]
        if moves:
            return max(v[i] - to_come(pool ^ 1 << i, other, mine - w[i]) for i in moves)
        return 0

    return to_come((1 << len(v)) - 1, int(capacity), int(capacity))


@misconception(
    "knapsack_value",
    belief="A player may pass whenever that is better.",
    hint="Which moves does your search look at where an item still fits? When is a player allowed to pass?",
    fails=("knapsack",),
    visible=False,
)
def knapsack_value__passing_at_will(values, weights, capacity):
    v, w = [int(x) for x in values], [int(x) for x in weights]

    @cache
    def to_come(pool, mine, other, passed):
        moves = [i for i in range(len(v)) if pool >> i & 1 and w[i] <= mine]
        passing = 0 if passed else -to_come(pool, other, mine, True)
        return max([passing, *(v[i] - to_come(pool ^ 1 << i, other, mine - w[i], False) for i in moves)])

    return to_come((1 << len(v)) - 1, int(capacity), int(capacity), False)


@misconception(
    "knapsack_value",
    belief="Both fill the same knapsack.",
    hint="How much room has B after A's first move?",
    fails=("knapsack",),
)
def knapsack_value__one_common_sack(values, weights, capacity):
    v, w = [int(x) for x in values], [int(x) for x in weights]

    @cache
    def to_come(pool, mine, other):
        moves = [i for i in range(len(v)) if pool >> i & 1 and w[i] <= mine]
        if moves:
            return max(v[i] - to_come(pool ^ 1 << i, mine - w[i], mine - w[i]) for i in moves)
        if any(pool >> i & 1 and w[i] <= other for i in range(len(v))):
            return -to_come(pool, other, mine)
        return 0

    return to_come((1 << len(v)) - 1, int(capacity), int(capacity))


@misconception(
    "knapsack_value",
    belief="Each move looks for the largest difference for A, whoever moves.",
    hint="What does B want? After your move the value is seen from the other side.",
    fails=("knapsack",),
)
def knapsack_value__opponent_helps(values, weights, capacity):
    v, w = [int(x) for x in values], [int(x) for x in weights]

    @cache
    def to_come(pool, mine, other):
        moves = [i for i in range(len(v)) if pool >> i & 1 and w[i] <= mine]
        if moves:
            return max(v[i] + to_come(pool ^ 1 << i, other, mine - w[i]) for i in moves)
        if any(pool >> i & 1 and w[i] <= other for i in range(len(v))):
            return -to_come(pool, other, mine)
        return 0

    return to_come((1 << len(v)) - 1, int(capacity), int(capacity))


@misconception(
    "knapsack_value",
    belief="The value of the game is what A carries home.",
    hint="The result is a difference. What has B got?",
    fails=("knapsack",),
)
def knapsack_value__total_of_a_alone(values, weights, capacity):
    v, w = [int(x) for x in values], [int(x) for x in weights]

    @cache
    def totals(pool, mine, other):
        moves = [i for i in range(len(v)) if pool >> i & 1 and w[i] <= mine]
        if not moves:
            if not any(pool >> i & 1 and w[i] <= other for i in range(len(v))):
                return 0, 0
            return totals(pool, other, mine)[::-1]
        options = [(v[i] + after[1], after[0]) for i in moves for after in [totals(pool ^ 1 << i, other, mine - w[i])]]
        return max(options, key=lambda pair: pair[0] - pair[1])

    return totals((1 << len(v)) - 1, int(capacity), int(capacity))[0]


@misconception(
    "knapsack_value",
    belief="Each player wants as much as possible, however much the other gets.",
    hint=("Taking an item away from the other can be worth more than a better one for yourself. What is maximised?"),
    fails=("knapsack",),
)
def knapsack_value__each_for_its_own_total(values, weights, capacity):
    v, w = [int(x) for x in values], [int(x) for x in weights]

    @cache
    def totals(pool, mine, other):
        moves = [i for i in range(len(v)) if pool >> i & 1 and w[i] <= mine]
        if not moves:
            if not any(pool >> i & 1 and w[i] <= other for i in range(len(v))):
                return 0, 0
            return totals(pool, other, mine)[::-1]
        options = [(v[i] + after[1], after[0]) for i in moves for after in [totals(pool ^ 1 << i, other, mine - w[i])]]
        return max(options)

    mine, theirs = totals((1 << len(v)) - 1, int(capacity), int(capacity))
    return mine - theirs


@misconception(
    "knapsack_value",
    belief="What is still to come depends on the pool alone.",
    hint=("Can the same pool be left with different room in the two sacks? Then your memory mixes two positions."),
    fails=("knapsack",),
)
def knapsack_value__memo_without_the_sacks(values, weights, capacity):
    v, w = [int(x) for x in values], [int(x) for x in weights]

    seen = {}

    def to_come(pool, mine, other):
        if pool not in seen:
            seen[pool] = search(pool, mine, other)
        return seen[pool]

    def search(pool, mine, other):
        moves = [i for i in range(len(v)) if pool >> i & 1 and w[i] <= mine]
        if moves:
            return max(v[i] - to_come(pool ^ 1 << i, other, mine - w[i]) for i in moves)
        if any(pool >> i & 1 and w[i] <= other for i in range(len(v))):
            return -to_come(pool, other, mine)
        return 0

    return to_come((1 << len(v)) - 1, int(capacity), int(capacity))


@misconception(
    "knapsack_value",
    belief="An item that fills the sack exactly does not fit.",
    hint="An item of weight 5 and 5 units of room: does it fit?",
    fails=("knapsack",),
)
def knapsack_value__weight_must_be_smaller(values, weights, capacity):
    v, w = [int(x) for x in values], [int(x) for x in weights]

    @cache
    def to_come(pool, mine, other):
        moves = [i for i in range(len(v)) if pool >> i & 1 and w[i] < mine]
        if moves:
            return max(v[i] - to_come(pool ^ 1 << i, other, mine - w[i]) for i in moves)
        if any(pool >> i & 1 and w[i] < other for i in range(len(v))):
            return -to_come(pool, other, mine)
        return 0

    return to_come((1 << len(v)) - 1, int(capacity), int(capacity))


@misconception(
    "knapsack_value",
    belief="The second player is the one who is asked about.",
    hint="Who starts, and whose total is subtracted?",
    fails=("knapsack",),
)
def knapsack_value__b_starts(values, weights, capacity):
    v, w = [int(x) for x in values], [int(x) for x in weights]

    @cache
    def to_come(pool, mine, other):
        moves = [i for i in range(len(v)) if pool >> i & 1 and w[i] <= mine]
        if moves:
            return max(v[i] - to_come(pool ^ 1 << i, other, mine - w[i]) for i in moves)
        if any(pool >> i & 1 and w[i] <= other for i in range(len(v))):
            return -to_come(pool, other, mine)
        return 0

    return -to_come((1 << len(v)) - 1, int(capacity), int(capacity))


@misconception(
    "knapsack_greedy",
    belief="Greedy takes the most valuable item per unit of weight.",
    hint="The rule is written in the exercise: most valuable, not most valuable per weight.",
    fails=("knapsack",),
)
def knapsack_greedy__best_density(values, weights, capacity):
    pool, room, total, mover, passes = list(range(len(values))), [capacity, capacity], [0, 0], 0, 0
    while passes < 2:
        fits = [i for i in pool if weights[i] <= room[mover]]
        passes = 0 if fits else passes + 1
        if fits:
            i = max(fits, key=lambda i: (values[i] / weights[i], -i))
            pool.remove(i)
            room[mover] -= weights[i]
            total[mover] += values[i]
        mover = 1 - mover
    return int(total[0] - total[1])


@misconception(
    "knapsack_greedy",
    belief="Which of two equally valuable items is taken makes no difference.",
    hint="Two items of equal value may differ in weight. Which one is taken, by the rule?",
    fails=("knapsack",),
)
def knapsack_greedy__higher_index_among_equals(values, weights, capacity):
    pool, room, total, mover, passes = list(range(len(values))), [capacity, capacity], [0, 0], 0, 0
    while passes < 2:
        fits = [i for i in pool if weights[i] <= room[mover]]
        passes = 0 if fits else passes + 1
        if fits:
            i = max(fits, key=lambda i: (values[i], i))
            pool.remove(i)
            room[mover] -= weights[i]
            total[mover] += values[i]
        mover = 1 - mover
    return int(total[0] - total[1])


@misconception(
    "knapsack_greedy",
    belief="Of two equally valuable items the lighter one is the more sensible.",
    hint="Sensible, but not the rule that is asked for. What decides among equals?",
    fails=("knapsack",),
)
def knapsack_greedy__lighter_among_equals(values, weights, capacity):
    pool, room, total, mover, passes = list(range(len(values))), [capacity, capacity], [0, 0], 0, 0
    while passes < 2:
        fits = [i for i in pool if weights[i] <= room[mover]]
        passes = 0 if fits else passes + 1
        if fits:
            i = max(fits, key=lambda i: (values[i], -weights[i]))
            pool.remove(i)
            room[mover] -= weights[i]
            total[mover] += values[i]
        mover = 1 - mover
    return int(total[0] - total[1])


@misconception(
    "knapsack_greedy",
    belief="The game ends as soon as one player cannot move.",
    hint="If one cannot move but the other can, what happens next?",
    fails=("knapsack",),
)
def knapsack_greedy__first_pass_ends_the_game(values, weights, capacity):
    pool, room, total, mover, passes = list(range(len(values))), [capacity, capacity], [0, 0], 0, 0
    while passes < 1:
        fits = [i for i in pool if weights[i] <= room[mover]]
        passes = 0 if fits else passes + 1
        if fits:
            i = max(fits, key=lambda i: (values[i], -i))
            pool.remove(i)
            room[mover] -= weights[i]
            total[mover] += values[i]
        mover = 1 - mover
    return int(total[0] - total[1])


@misconception(
    "knapsack_greedy",
    belief="The result is what is taken altogether.",
    hint="The result is a difference.",
    fails=("knapsack",),
)
def knapsack_greedy__sum_of_both(values, weights, capacity):
    pool, room, total, mover, passes = list(range(len(values))), [capacity, capacity], [0, 0], 0, 0
    while passes < 2:
        fits = [i for i in pool if weights[i] <= room[mover]]
        passes = 0 if fits else passes + 1
        if fits:
            i = max(fits, key=lambda i: (values[i], -i))
            pool.remove(i)
            room[mover] -= weights[i]
            total[mover] += values[i]
        mover = 1 - mover
    return int(total[0] + total[1])


@misconception(
    "knapsack_greedy",
    belief="If the best item of the pool does not fit, the player passes.",
    hint="The most valuable item that fits: look for it among those that fit.",
    fails=("knapsack",),
)
def knapsack_greedy__stuck_on_the_best_item(values, weights, capacity):
    pool, room, total, mover, passes = list(range(len(values))), [capacity, capacity], [0, 0], 0, 0
    while passes < 2:
        fits = [i for i in pool if weights[i] <= room[mover] and values[i] == max(values[j] for j in pool)]
        passes = 0 if fits else passes + 1
        if fits:
            i = max(fits, key=lambda i: (values[i], -i))
            pool.remove(i)
            room[mover] -= weights[i]
            total[mover] += values[i]
        mover = 1 - mover
    return int(total[0] - total[1])


@misconception(
    "knapsack_greedy",
    belief="An item that does not fit the player who looks at it is out of the game.",
    hint="An item that one player has no room for stays on the table. For whom?",
    fails=("knapsack",),
)
def knapsack_greedy__once_down_the_list(values, weights, capacity):
    room, total, mover = [capacity, capacity], [0, 0], 0
    for i in sorted(range(len(values)), key=lambda i: -values[i]):
        if weights[i] <= room[mover]:
            room[mover] -= weights[i]
            total[mover] += values[i]
            mover = 1 - mover
    return int(total[0] - total[1])


@misconception(
    "connect4_winner",
    belief="Four in a row means a row or a column.",
    hint="How many directions can a line have?",
    fails=("connect4_winner",),
)
def connect4_winner__no_diagonals(board):
    lines = [(0, 1), (1, 0)]
    for r in range(6):
        for c in range(7):
            for dr, dc in lines:
                cells = [(r + k * dr, c + k * dc) for k in range(4)]
                if all(0 <= i < 6 and 0 <= j < 7 for i, j in cells):
                    stones = {int(board[cell]) for cell in cells}
                    if len(stones) == 1 and stones != {0}:
                        return stones.pop()
    return 0


@misconception(
    "connect4_winner",
    belief="There is one diagonal direction.",
    hint="Draw both diagonals of a 4 × 4 square. Do you look along both?",
    fails=("connect4_winner",),
)
def connect4_winner__one_diagonal(board):
    lines = [(0, 1), (1, 0), (1, 1)]
    for r in range(6):
        for c in range(7):
            for dr, dc in lines:
                cells = [(r + k * dr, c + k * dc) for k in range(4)]
                if all(0 <= i < 6 and 0 <= j < 7 for i, j in cells):
                    stones = {int(board[cell]) for cell in cells}
                    if len(stones) == 1 and stones != {0}:
                        return stones.pop()
    return 0


@misconception(
    "connect4_winner",
    belief="The board is a list of 42 cells.",
    hint="Which cell follows the last one of a row in your list? Is it a neighbor on the board?",
    fails=("connect4_winner",),
)
def connect4_winner__over_the_edge(board):
    cells = board.ravel()
    for i in range(42):
        for step in (1, 6, 7, 8):
            line = cells[i::step][:4]
            if len(line) == 4 and line[0] != 0 and (line == line[0]).all():
                return int(line[0])
    return 0


@misconception(
    "connect4_winner",
    belief="Shifting the board with numpy.roll finds neighbors.",
    hint="What does numpy.roll do with the stones that leave the board?",
    fails=("connect4_winner",),
)
def connect4_winner__rolled(board):
    for player in (1, 2):
        own = board == player
        for dr, dc in [(0, 1), (1, 0), (1, 1), (1, -1)]:
            line = own.copy()
            for k in range(1, 4):
                line = line & np.roll(own, (k * dr, k * dc), (0, 1))
            if line.any():
                return player
    return 0


@misconception(
    "connect4_winner",
    belief="Four stones in a row or column are four in a row.",
    hint="Must the four stones be side by side?",
    fails=("connect4_winner",),
)
def connect4_winner__counts_stones_of_a_line(board):
    for player in (1, 2):
        own = board == player
        if (own.sum(0) >= 4).any() or (own.sum(1) >= 4).any():
            return player
        for mirrored in (own, own[:, ::-1]):
            if any(np.trace(mirrored, k) >= 4 for k in range(-5, 7)):
                return player
    return 0


@misconception(
    "connect4_winner",
    belief="A row of seven cells has three windows of four.",
    hint=("How many places for a line of four are there in a row of seven cells? Try one that ends at the edge."),
    fails=("connect4_winner",),
)
def connect4_winner__last_window_missed(board):
    lines = [(0, 1), (1, 0), (1, 1), (1, -1)]
    for r in range(6):
        for c in range(7):
            for dr, dc in lines:
                cells = [(r + k * dr, c + k * dc) for k in range(4)]
                if all(0 <= i < 6 and 0 <= j < 6 for i, j in cells):
                    stones = {int(board[cell]) for cell in cells}
                    if len(stones) == 1 and stones != {0}:
                        return stones.pop()
    return 0


@misconception(
    "connect4_winner",
    belief="Three in a row win.",
    hint="How many stones does a line need?",
    fails=("connect4_winner",),
)
def connect4_winner__three_are_enough(board):
    lines = [(0, 1), (1, 0), (1, 1), (1, -1)]
    for r in range(6):
        for c in range(7):
            for dr, dc in lines:
                cells = [(r + k * dr, c + k * dc) for k in range(3)]
                if all(0 <= i < 6 and 0 <= j < 7 for i, j in cells):
                    stones = {int(board[cell]) for cell in cells}
                    if len(stones) == 1 and stones != {0}:
                        return stones.pop()
    return 0


@misconception(
    "connect4_winner",
    belief="The board is seen by player 1.",
    hint="What should be returned if player 2 has a line?",
    fails=("connect4_winner",),
)
def connect4_winner__player_one_only(board):
    lines = [(0, 1), (1, 0), (1, 1), (1, -1)]
    for r in range(6):
        for c in range(7):
            for dr, dc in lines:
                cells = [(r + k * dr, c + k * dc) for k in range(4)]
                if all(0 <= i < 6 and 0 <= j < 7 for i, j in cells):
                    stones = {int(board[cell]) for cell in cells}
                    if len(stones) == 1 and stones == {1}:
                        return stones.pop()
    return 0


@misconception(
    "margin_prune",
    belief="keep_fraction is the fraction that is thrown away.",
    hint="With keep_fraction = 0.3, how many of ten samples should come back?",
    fails=("margin_prune",),
)
def margin_prune__kept_and_pruned_swapped(X, y, w_probe, keep_fraction, keep):
    margin = y * (X @ w_probe)
    count = math.ceil((1 - keep_fraction) * len(y))
    order = np.argsort(margin if keep == "hard" else -margin, kind="stable")
    return np.sort(order[:count])


@misconception(
    "margin_prune",
    belief="Hard samples have large margins.",
    hint=(
        "A margin is the distance on the right side of the boundary. Which samples are hard: near to it, or "
        "far from it?"
    ),
    fails=("margin_prune",),
)
def margin_prune__hard_and_easy_swapped(X, y, w_probe, keep_fraction, keep):
    margin = y * (X @ w_probe)
    count = math.ceil(keep_fraction * len(y))
    order = np.argsort(margin if keep == "easy" else -margin, kind="stable")
    return np.sort(order[:count])


@misconception(
    "margin_prune",
    belief="The margin is the distance from the boundary, on either side.",
    hint="On which side of the boundary is a misclassified sample? Is it easy or hard?",
    fails=("margin_prune",),
)
def margin_prune__absolute_margin(X, y, w_probe, keep_fraction, keep):
    margin = np.abs(X @ w_probe)
    count = math.ceil(keep_fraction * len(y))
    order = np.argsort(margin if keep == "hard" else -margin, kind="stable")
    return np.sort(order[:count])


@misconception(
    "margin_prune",
    belief="The margin is the probe's output.",
    hint="For a sample with y = −1, which outputs of the probe are good?",
    fails=("margin_prune",),
)
def margin_prune__label_ignored(X, y, w_probe, keep_fraction, keep):
    margin = X @ w_probe
    count = math.ceil(keep_fraction * len(y))
    order = np.argsort(margin if keep == "hard" else -margin, kind="stable")
    return np.sort(order[:count])


@misconception(
    "margin_prune",
    belief="int() rounds as needed.",
    hint="5 samples and keep_fraction 0.5: how many are kept? Look for the bracket in the formula.",
    fails=("margin_prune",),
)
def margin_prune__rounded_down(X, y, w_probe, keep_fraction, keep):
    margin = y * (X @ w_probe)
    count = int(keep_fraction * len(y))
    order = np.argsort(margin if keep == "hard" else -margin, kind="stable")
    return np.sort(order[:count])


@misconception(
    "margin_prune",
    belief="The indices come in the order of difficulty.",
    hint="In which order are the indices asked for?",
    fails=("margin_prune",),
)
def margin_prune__in_order_of_margin(X, y, w_probe, keep_fraction, keep):
    margin = y * (X @ w_probe)
    count = math.ceil(keep_fraction * len(y))
    order = np.argsort(margin if keep == "hard" else -margin, kind="stable")
    return order[:count]


@misconception(
    "margin_prune",
    belief="Reversing the ascending order gives the descending order.",
    hint="Reverse an order with two equal margins by hand: which of them comes first then?",
    fails=("margin_prune",),
)
def margin_prune__ties_reversed(X, y, w_probe, keep_fraction, keep):
    margin = y * (X @ w_probe)
    count = math.ceil(keep_fraction * len(y))
    order = np.argsort(margin, kind="stable")
    order = order if keep == "hard" else order[::-1]
    return np.sort(order[:count])


@misconception(
    "margin_prune",
    belief="The margin is an angle: samples are normalised first.",
    hint="Compare your margin with the formula: what is divided by what?",
    fails=("margin_prune",),
)
def margin_prune__normalised_samples(X, y, w_probe, keep_fraction, keep):
    margin = y * (X @ w_probe) / np.linalg.norm(X, axis=1)
    count = math.ceil(keep_fraction * len(y))
    order = np.argsort(margin if keep == "hard" else -margin, kind="stable")
    return np.sort(order[:count])


@misconception(
    "data_scaling_curve",
    belief="Each size may draw its own subset.",
    hint="Is everything in the small subset also in the larger one?",
    fails=("data_scaling_curve",),
    visible=False,
)
def data_scaling_curve__fresh_subset_per_size(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((X_train.shape[1], 4000)) / math.sqrt(X_train.shape[1])
    phi, phi_test = np.maximum(X_train @ W, 0), np.maximum(X_test @ W, 0)
    Y = np.eye(int(np.max(y_train)) + 1)[np.asarray(y_train)]
    errors = []
    for size in sizes:
        rows = rng.permutation(len(X_train))[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi_test @ (phi[rows].T @ np.linalg.solve(K, Y[rows]))
        errors.append(np.mean(scores.argmax(1) != y_test))
    return np.array(errors)


@misconception(
    "data_scaling_curve",
    belief="The first rows are as good as any others.",
    hint="What if the data file is sorted by label? Which rows belong to the subset of a given seed?",
    fails=("data_scaling_curve",),
)
def data_scaling_curve__no_permutation(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(seed)
    order = np.arange(len(X_train))
    W = rng.standard_normal((X_train.shape[1], 4000)) / math.sqrt(X_train.shape[1])
    phi, phi_test = np.maximum(X_train @ W, 0), np.maximum(X_test @ W, 0)
    Y = np.eye(int(np.max(y_train)) + 1)[np.asarray(y_train)]
    errors = []
    for size in sizes:
        rows = order[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi_test @ (phi[rows].T @ np.linalg.solve(K, Y[rows]))
        errors.append(np.mean(scores.argmax(1) != y_test))
    return np.array(errors)


@misconception(
    "data_scaling_curve",
    belief="A little ridge keeps the solution stable.",
    hint="Does your fit return the training labels exactly? It should, with more features than samples.",
    fails=("data_scaling_curve",),
)
def data_scaling_curve__hidden_ridge(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X_train))
    W = rng.standard_normal((X_train.shape[1], 4000)) / math.sqrt(X_train.shape[1])
    phi, phi_test = np.maximum(X_train @ W, 0), np.maximum(X_test @ W, 0)
    Y = np.eye(int(np.max(y_train)) + 1)[np.asarray(y_train)]
    errors = []
    for size in sizes:
        rows = order[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi_test @ (phi[rows].T @ np.linalg.solve(K + 3e-3 * np.trace(K) * np.eye(len(K)), Y[rows]))
        errors.append(np.mean(scores.argmax(1) != y_test))
    return np.array(errors)


@misconception(
    "data_scaling_curve",
    belief="The identity matrix added to the samples' inner products does no harm.",
    hint="Two samples that nearly coincide and have different labels: does your fit still tell them apart?",
    fails=("data_scaling_curve",),
    visible=False,
)
def data_scaling_curve__identity_added(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X_train))
    W = rng.standard_normal((X_train.shape[1], 4000)) / math.sqrt(X_train.shape[1])
    phi, phi_test = np.maximum(X_train @ W, 0), np.maximum(X_test @ W, 0)
    Y = np.eye(int(np.max(y_train)) + 1)[np.asarray(y_train)]
    errors = []
    for size in sizes:
        rows = order[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi_test @ (phi[rows].T @ np.linalg.solve(K + np.eye(len(K)), Y[rows]))
        errors.append(np.mean(scores.argmax(1) != y_test))
    return np.array(errors)


@misconception(
    "data_scaling_curve",
    belief="The curve shows the fraction of right answers.",
    hint="Should the numbers fall or rise as the data grow?",
    fails=("data_scaling_curve",),
)
def data_scaling_curve__accuracy(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X_train))
    W = rng.standard_normal((X_train.shape[1], 4000)) / math.sqrt(X_train.shape[1])
    phi, phi_test = np.maximum(X_train @ W, 0), np.maximum(X_test @ W, 0)
    Y = np.eye(int(np.max(y_train)) + 1)[np.asarray(y_train)]
    errors = []
    for size in sizes:
        rows = order[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi_test @ (phi[rows].T @ np.linalg.solve(K, Y[rows]))
        errors.append(np.mean(scores.argmax(1) == y_test))
    return np.array(errors)


@misconception(
    "data_scaling_curve",
    belief="The error is measured on the samples that were fitted.",
    hint="On which samples is the error asked for?",
    fails=("data_scaling_curve",),
)
def data_scaling_curve__training_error(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X_train))
    W = rng.standard_normal((X_train.shape[1], 4000)) / math.sqrt(X_train.shape[1])
    phi = np.maximum(X_train @ W, 0)
    Y = np.eye(int(np.max(y_train)) + 1)[np.asarray(y_train)]
    errors = []
    for size in sizes:
        rows = order[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi[rows] @ (phi[rows].T @ np.linalg.solve(K, Y[rows]))
        errors.append(np.mean(scores.argmax(1) != np.asarray(y_train)[rows]))
    return np.array(errors)


@misconception(
    "data_scaling_curve",
    belief="Random projections are random features.",
    hint="A random matrix alone gives no more than the linear model. What makes features of projections?",
    fails=("data_scaling_curve",),
)
def data_scaling_curve__linear_features(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X_train))
    W = rng.standard_normal((X_train.shape[1], 4000)) / math.sqrt(X_train.shape[1])
    phi, phi_test = X_train @ W, X_test @ W
    Y = np.eye(int(np.max(y_train)) + 1)[np.asarray(y_train)]
    errors = []
    for size in sizes:
        rows = order[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi_test @ (phi[rows].T @ np.linalg.pinv(K) @ Y[rows])
        errors.append(np.mean(scores.argmax(1) != y_test))
    return np.array(errors)


@misconception(
    "data_scaling_curve",
    belief="A label is a number, so it can be regressed and rounded.",
    hint="Is class 1 halfway between class 0 and class 2? What should the target of the regression look like?",
    fails=("data_scaling_curve",),
)
def data_scaling_curve__labels_as_numbers(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X_train))
    W = rng.standard_normal((X_train.shape[1], 4000)) / math.sqrt(X_train.shape[1])
    phi, phi_test = np.maximum(X_train @ W, 0), np.maximum(X_test @ W, 0)
    Y = np.asarray(y_train, dtype=float)
    errors = []
    for size in sizes:
        rows = order[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi_test @ (phi[rows].T @ np.linalg.solve(K, Y[rows]))
        errors.append(np.mean(np.round(scores) != y_test))
    return np.array(errors)


@misconception(
    "data_scaling_curve",
    belief="Fixed randomness is reproducible randomness.",
    hint="What should change if the seed changes?",
    fails=("data_scaling_curve",),
)
def data_scaling_curve__seed_ignored(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(0)
    order = rng.permutation(len(X_train))
    W = rng.standard_normal((X_train.shape[1], 4000)) / math.sqrt(X_train.shape[1])
    phi, phi_test = np.maximum(X_train @ W, 0), np.maximum(X_test @ W, 0)
    Y = np.eye(int(np.max(y_train)) + 1)[np.asarray(y_train)]
    errors = []
    for size in sizes:
        rows = order[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi_test @ (phi[rows].T @ np.linalg.solve(K, Y[rows]))
        errors.append(np.mean(scores.argmax(1) != y_test))
    return np.array(errors)


@misconception(
    "data_scaling_curve",
    belief="Test data get random features of their own.",
    hint="Do the weights that you fitted know what the features of the test data mean?",
    fails=("data_scaling_curve",),
)
def data_scaling_curve__other_features_for_the_test_data(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X_train))
    W = rng.standard_normal((X_train.shape[1], 4000)) / math.sqrt(X_train.shape[1])
    W_test = rng.standard_normal(W.shape) / math.sqrt(len(W))
    phi, phi_test = np.maximum(X_train @ W, 0), np.maximum(X_test @ W_test, 0)
    Y = np.eye(int(np.max(y_train)) + 1)[np.asarray(y_train)]
    errors = []
    for size in sizes:
        rows = order[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi_test @ (phi[rows].T @ np.linalg.solve(K, Y[rows]))
        errors.append(np.mean(scores.argmax(1) != y_test))
    return np.array(errors)


@misconception(
    "data_scaling_curve",
    belief="A hundred features are plenty.",
    hint="How many samples can a layer of this width fit exactly? The width is given in the exercise.",
    fails=("data_scaling_curve",),
)
def data_scaling_curve__too_narrow(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X_train))
    W = rng.standard_normal((X_train.shape[1], 100)) / math.sqrt(X_train.shape[1])
    phi, phi_test = np.maximum(X_train @ W, 0), np.maximum(X_test @ W, 0)
    Y = np.eye(int(np.max(y_train)) + 1)[np.asarray(y_train)]
    errors = []
    for size in sizes:
        rows = order[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi_test @ (phi[rows].T @ np.linalg.pinv(K, rcond=1e-10) @ Y[rows])
        errors.append(np.mean(scores.argmax(1) != y_test))
    return np.array(errors)


@misconception(
    "data_scaling_curve",
    belief="With more features than most of the training sets the width is large enough.",
    hint="What happens to the error where the number of samples comes near the number of features?",
    fails=("data_scaling_curve",),
    visible=False,
)
def data_scaling_curve__four_hundred_features(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X_train))
    W = rng.standard_normal((X_train.shape[1], 400)) / math.sqrt(X_train.shape[1])
    phi, phi_test = np.maximum(X_train @ W, 0), np.maximum(X_test @ W, 0)
    Y = np.eye(int(np.max(y_train)) + 1)[np.asarray(y_train)]
    errors = []
    for size in sizes:
        rows = order[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi_test @ (phi[rows].T @ np.linalg.solve(K, Y[rows]))
        errors.append(np.mean(scores.argmax(1) != y_test))
    return np.array(errors)


@misconception(
    "data_scaling_curve",
    belief="There are ten classes, because digits have ten.",
    hint="Where can the number of classes be read from, if the data are no digits?",
    fails=("data_scaling_curve",),
)
def data_scaling_curve__ten_classes(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X_train))
    W = rng.standard_normal((X_train.shape[1], 4000)) / math.sqrt(X_train.shape[1])
    phi, phi_test = np.maximum(X_train @ W, 0), np.maximum(X_test @ W, 0)
    Y = np.eye(10)[np.asarray(y_train)]
    errors = []
    for size in sizes:
        rows = order[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi_test @ (phi[rows].T @ np.linalg.solve(K, Y[rows]))
        errors.append(np.mean(scores.argmax(1) != y_test))
    return np.array(errors)


@misconception(
    "data_scaling_curve",
    belief="Sizes always ascend.",
    hint="Give the sizes in another order: which entry of the result belongs to which size?",
    fails=("data_scaling_curve",),
)
def data_scaling_curve__sizes_sorted(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X_train))
    W = rng.standard_normal((X_train.shape[1], 4000)) / math.sqrt(X_train.shape[1])
    phi, phi_test = np.maximum(X_train @ W, 0), np.maximum(X_test @ W, 0)
    Y = np.eye(int(np.max(y_train)) + 1)[np.asarray(y_train)]
    errors = []
    for size in sorted(sizes):
        rows = order[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi_test @ (phi[rows].T @ np.linalg.solve(K, Y[rows]))
        errors.append(np.mean(scores.argmax(1) != y_test))
    return np.array(errors)


@misconception(
    "data_scaling_curve",
    belief="Errors are given in per cent.",
    hint="An error is a fraction here.",
    fails=("data_scaling_curve",),
)
def data_scaling_curve__percent(X_train, y_train, X_test, y_test, sizes, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X_train))
    W = rng.standard_normal((X_train.shape[1], 4000)) / math.sqrt(X_train.shape[1])
    phi, phi_test = np.maximum(X_train @ W, 0), np.maximum(X_test @ W, 0)
    Y = np.eye(int(np.max(y_train)) + 1)[np.asarray(y_train)]
    errors = []
    for size in sizes:
        rows = order[:size]
        K = phi[rows] @ phi[rows].T
        scores = phi_test @ (phi[rows].T @ np.linalg.solve(K, Y[rows]))
        errors.append(np.mean(scores.argmax(1) != y_test))
    return 100 * np.array(errors)
