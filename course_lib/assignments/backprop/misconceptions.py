"""Known-wrong solutions of backprop, as a student would write them."""

from __future__ import annotations

import numpy as np

from course_lib.checking.model import misconception


@misconception(
    "toy_backward",
    belief="The derivative of (f − y)² is f − y.",
    hint="Differentiate the loss itself once more, by hand: what does the square bring down?",
    fails=("toy_backward",),
)
def toy_backward__factor_two_missing(x, y, beta, omega):
    f = [beta[0] + omega[0] * x]
    h = [x]
    for k in range(1, 4):
        h.append(max(f[-1], 0.0))
        f.append(beta[k] + omega[k] * h[-1])
    df = f[3] - y
    dbeta, domega = np.zeros(4), np.zeros(4)
    for k in range(3, -1, -1):
        dbeta[k], domega[k] = df, df * h[k]
        if k:
            df = df * omega[k] * (f[k - 1] > 0)
    return dbeta, domega
