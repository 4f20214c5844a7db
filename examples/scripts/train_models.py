"""Trains the small models of examples/: logistic regression, decision tree, perceptron, support vector machine, nearest neighbours.

usage, from the repository root:  pip install scikit-learn && python3 examples/scripts/train_models.py

Reads examples/data/breast_cancer.csv, trains with scikit-learn (seeded: the same result every time for one version of
it) on the rows whose number is not a multiple of 3, and tests on the others. For each model it writes the public
weights (examples/NAME.json), nine test rows (examples/NAME.csv), and all models' test accuracy, with what scikit-learn
answers for every test row, to examples/data/models.json. The features are standardised with the means and deviations of
the training rows; the standardisation is folded into the weights, so that programs take the raw measurements.
"""

import csv
import json
import pathlib

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

ROOT = pathlib.Path(__file__).resolve().parent.parent
FEATURES = ["worst_radius", "worst_texture", "worst_smoothness", "worst_concave_points"]
SEED = 3
TREE_DEPTH = 3
HIDDEN = 3
SUPPORT_ROWS = 60
PROTOTYPES_PER_CLASS = 4
NEIGHBOURS = 3


def rounded(values):
    """Five significant digits: more than 11 bits hold."""
    if isinstance(values, (list, tuple, np.ndarray)):
        return [rounded(value) for value in values]
    return float(f"{float(values):.5g}")


def logistic(raw, standard, labels, raw_test, standard_test):
    model = LogisticRegression(C=1.0, random_state=SEED).fit(standard, labels)
    folded = model.coef_[0] / DEVIATIONS
    weights = {"weights": rounded(folded), "bias": rounded(model.intercept_[0] - folded @ MEANS)}
    return weights, model.predict(standard_test)


def tree(raw, standard, labels, raw_test, standard_test):
    model = DecisionTreeClassifier(max_depth=TREE_DEPTH, random_state=SEED).fit(raw, labels)
    nodes, inner = model.tree_, 2**TREE_DEPTH - 1
    feature, threshold, leaf = [0] * inner, [0.0] * inner, [False] * (inner + 1)

    def place(node, position):
        if position >= inner:
            leaf[position - inner] = bool(np.argmax(nodes.value[node][0]))
            return
        split = nodes.children_left[node] != -1
        if split:
            feature[position] = int(nodes.feature[node])
            threshold[position] = float(nodes.threshold[node])
        place(nodes.children_left[node] if split else node, 2 * position + 1)
        place(nodes.children_right[node] if split else node, 2 * position + 2)

    place(0, 0)
    weights = {"feature": feature, "threshold": rounded(threshold), "leaf": leaf}
    return weights, model.predict(raw_test)


def perceptron(raw, standard, labels, raw_test, standard_test):
    model = MLPClassifier((HIDDEN,), solver="lbfgs", alpha=0.1, max_iter=2000, random_state=SEED)
    model.fit(standard, labels)
    first, second = model.coefs_
    folded = first.T / DEVIATIONS
    bias = model.intercepts_[0] - folded @ MEANS
    weights = {
        "hidden": rounded(folded),
        "hidden_bias": rounded(bias),
        "output": rounded(second[:, 0]),
        "output_bias": rounded(model.intercepts_[1][0]),
    }
    return weights, model.predict(standard_test)


def support_vectors(raw, standard, labels, raw_test, standard_test):
    # Few rows and a large penalty: few support vectors, and so a small circuit.
    chosen = np.random.default_rng(SEED).choice(len(standard), SUPPORT_ROWS, replace=False)
    gamma = 0.1
    model = SVC(kernel="rbf", gamma=gamma, C=30.0).fit(standard[chosen], labels[chosen])
    # exp(-gamma |z - s|^2) with z = (x - mean) / deviation is exp(-sum (x scale - t)^2).
    scale = np.sqrt(gamma) / DEVIATIONS
    vectors = np.sqrt(gamma) * (model.support_vectors_ + MEANS / DEVIATIONS)
    weights = {
        "scale": rounded(scale),
        "vectors": rounded(vectors),
        "weights": rounded(model.dual_coef_[0]),
        "bias": rounded(model.intercept_[0]),
    }
    return weights, model.predict(standard_test)


def neighbours(raw, standard, labels, raw_test, standard_test):
    # The centres of clusters stand for the training rows.
    points, classes = [], []
    for label in (0, 1):
        clusters = KMeans(PROTOTYPES_PER_CLASS, n_init=10, random_state=SEED).fit(standard[labels == label])
        points += list(clusters.cluster_centers_)
        classes += [label] * PROTOTYPES_PER_CLASS
    model = KNeighborsClassifier(NEIGHBOURS).fit(points, classes)
    scale = 0.25 / DEVIATIONS
    weights = {
        "scale": rounded(scale),
        "points": rounded(0.25 * np.array(points) + MEANS * scale),
        "malignant": [bool(c) for c in classes],
    }
    return weights, model.predict(standard_test)


MODELS = {
    "logistic": logistic,
    "decision_tree": tree,
    "perceptron": perceptron,
    "svm": support_vectors,
    "nearest_neighbours": neighbours,
}


def main():
    global MEANS, DEVIATIONS
    with open(ROOT / "data" / "breast_cancer.csv", newline="") as file:
        table = list(csv.DictReader(file))
    raw = np.array([[float(row[name]) for name in FEATURES] for row in table])
    labels = np.array([1 - int(row["benign"]) for row in table])
    number = np.arange(len(raw))
    training, testing = number % 3 != 0, number % 3 == 0
    MEANS, DEVIATIONS = raw[training].mean(axis=0), raw[training].std(axis=0)
    standard = (raw - MEANS) / DEVIATIONS
    report = {"scikit_learn": sklearn.__version__, "features": FEATURES, "test_rows": int(testing.sum())}
    for name, train in MODELS.items():
        weights, predicted = train(raw[training], standard[training], labels[training], raw[testing], standard[testing])
        right = int((predicted == labels[testing]).sum())
        print(f"{name:20} {right} of {testing.sum()} right")
        report[name] = {"right": right, "malignant": "".join(str(int(p)) for p in predicted)}
        lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in weights.items())
        (ROOT / f"{name}.json").write_text("{\n" + lines + "\n}\n")
        with open(ROOT / f"{name}.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["id"] + FEATURES)
            for i in number[testing][:9]:
                writer.writerow([i] + [f"{v:g}" for v in raw[i]])
    (ROOT / "data" / "models.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
