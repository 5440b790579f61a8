"""Parameters of measured hysteresis loops by another way, for `tests/tests/all/scalarizers.rs`.

    pip install h5py scipy
    python tests/instruments/beps_loops.py \
        ../shared/data/beps/BEPS_PTO_50x50.h5 tests/golden/beps-loops.csv

Of every 31st pixel: the area as the integral of the response over the bias, trapezium by
trapezium; the height as the difference of medians near zero bias; and nucleation biases from a
function fitted to each branch, as BGlib has them: a step in the shape of the error function on a
slope, here fitted with a loss that single stray points do not rule. The bias is where the step has
gone a tenth of its way. Beside it the width of the step in V, and the median deviation from the
fit over the height of the step: where either is large, an error function does not describe the
branch. Last run with h5py 3.16 and SciPy 1.17.
"""

import csv
import sys

import h5py
import numpy as np
from scipy.optimize import least_squares
from scipy.special import erf, erfinv

EVERY = 31
BEGUN = 0.1
POSITIVE = ["positive", "positive_width", "positive_deviation"]
NEGATIVE = ["negative", "negative_width", "negative_deviation"]


def step(parameters, bias):
    """Level, height, place, width and slope of a branch."""
    level, height, place, width, slope = parameters
    return level + 0.5 * height * (1.0 + erf((bias - place) / width)) + slope * bias


def nucleation(bias, response):
    """Bias at which the fitted step has gone a tenth of its way, its width, and the deviation.

    `bias` rises; for the other branch its sign is turned.
    """
    unit = np.subtract(*np.percentile(response, [90, 10])) or 1.0
    fits = []
    for place in (-2.0, 2.0, 5.0):
        before, after = response[bias < place][-8:], response[bias >= place][:8]
        level = np.median(before) / unit
        start = [level, np.median(after) / unit - level, place, 0.4, 0.0]
        fits.append(
            least_squares(
                lambda p: step(p, bias) - response / unit,
                start,
                loss="cauchy",
                f_scale=0.03,
                bounds=([-np.inf, -np.inf, -8.0, 0.2, -1.0], [np.inf, np.inf, 8.0, 6.0, 1.0]),
                max_nfev=40,
            )
        )
    best = min(fits, key=lambda fit: fit.cost)
    deviation = np.median(np.abs(step(best.x, bias) - response / unit)) / abs(best.x[1])
    return best.x[2] + best.x[3] * erfinv(2.0 * BEGUN - 1.0), best.x[3], deviation


def main(source, target):
    with h5py.File(source) as file:
        group = file["Channel_000/generic"]
        bias, loops = group["Voltage"][()], group["generic"][()]
    ahead, behind = np.roll(bias, -1), np.roll(bias, 1)
    rising, falling = ahead > behind, ahead < behind
    near = np.abs(bias) <= 0.25 * np.abs(bias).max()
    with open(target, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["row", "column", "area", "height", *POSITIVE, *NEGATIVE])
        for pixel in range(0, loops.shape[0] * loops.shape[1], EVERY):
            row, column = divmod(pixel, loops.shape[1])
            response = loops[row, column]
            closed = np.append(response, response[0])
            area = abs(np.trapezoid(closed, np.append(bias, bias[0])))
            medians = [np.median(response[near & branch]) for branch in (falling, rising)]
            order = np.argsort(bias[rising])
            positive = nucleation(bias[rising][order], response[rising][order])
            order = np.argsort(-bias[falling])
            turned, *rest = nucleation(-bias[falling][order], response[falling][order])
            values = [area, abs(medians[0] - medians[1])]
            fitted = [*positive, -turned, *rest]
            numbers = [repr(float(v)) for v in values] + [f"{v:.4f}" for v in fitted]
            writer.writerow([row, column, *numbers])


if __name__ == "__main__":
    main(*sys.argv[1:])
