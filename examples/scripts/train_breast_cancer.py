"""Trains the logistic risk score of examples/risk.ffl. Standard library only; deterministic.

usage, from the repository root:  python3 examples/scripts/train_breast_cancer.py

Reads examples/data/breast_cancer.csv, trains on the rows whose number is not a multiple of 3, tests on the others,
prints the weights and the test accuracy, and writes examples/risk.csv (nine test rows, `id` = row number in the data).
The weights are copied by hand into examples/risk.ffl; `tests/` holds the two together.
"""

import csv
import math
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
FEATURES = ["worst_radius", "worst_texture", "worst_smoothness", "worst_concave_points"]
RIDGE = 1.0
NEWTON_STEPS = 25


def solve(matrix, vector):
    """Gaussian elimination with partial pivoting."""
    n = len(vector)
    rows = [row[:] + [value] for row, value in zip(matrix, vector)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(i + 1, n):
            factor = rows[r][i] / rows[i][i]
            rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i])]
    solution = [0.0] * n
    for i in reversed(range(n)):
        rest = sum(rows[i][j] * solution[j] for j in range(i + 1, n))
        solution[i] = (rows[i][n] - rest) / rows[i][i]
    return solution


def train(inputs, labels):
    """Ridge-penalised logistic regression by Newton's method; the last weight is the bias."""
    width = len(inputs[0])
    weights = [0.0] * width
    for _ in range(NEWTON_STEPS):
        gradient = [RIDGE * w if i < width - 1 else 0.0 for i, w in enumerate(weights)]
        hessian = [[RIDGE if i == j < width - 1 else 0.0 for j in range(width)] for i in range(width)]
        for x, y in zip(inputs, labels):
            p = 1.0 / (1.0 + math.exp(-sum(w * v for w, v in zip(weights, x))))
            for i in range(width):
                gradient[i] += (p - y) * x[i]
                for j in range(width):
                    hessian[i][j] += p * (1.0 - p) * x[i] * x[j]
        weights = [w - s for w, s in zip(weights, solve(hessian, gradient))]
    return weights


def main():
    with open(ROOT / "data" / "breast_cancer.csv", newline="") as file:
        table = list(csv.DictReader(file))
    raw = [[float(row[name]) for name in FEATURES] for row in table]
    labels = [1 - int(row["benign"]) for row in table]
    training = [i for i in range(len(raw)) if i % 3]
    testing = [i for i in range(len(raw)) if i % 3 == 0]
    columns = list(zip(*(raw[i] for i in training)))
    means = [sum(c) / len(c) for c in columns]
    deviations = [math.sqrt(sum((v - m) ** 2 for v in c) / len(c)) for c, m in zip(columns, means)]

    def standard(x):
        return [(v - m) / d for v, m, d in zip(x, means, deviations)] + [1.0]

    weights = train([standard(raw[i]) for i in training], [labels[i] for i in training])
    folded = [w / d for w, d in zip(weights, deviations)]
    bias = weights[-1] - sum(w * m for w, m in zip(folded, means))
    for name, weight in zip(FEATURES, folded):
        print(f"{name:24} {weight:9.4f}")
    print(f"{'bias':24} {bias:9.4f}")
    rounded = [float(f"{w:.3g}") for w in folded]
    right = sum((sum(w * v for w, v in zip(rounded, raw[i])) + bias > 0) == (labels[i] == 1) for i in testing)
    print(f"accuracy on {len(testing)} test rows: {right / len(testing):.3f}")
    with open(ROOT / "risk.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id"] + FEATURES)
        for i in testing[:9]:
            writer.writerow([i] + [f"{v:g}" for v in raw[i]])


if __name__ == "__main__":
    main()
