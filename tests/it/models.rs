//! The small models: every test row of the data through the compiled gates, next to what scikit-learn answers.

use serde_json::Value;

use crate::command::{ffhec, root};

const MODELS: [(&str, &str); 5] = [
    ("logistic", "logistic regression"),
    ("decision_tree", "decision tree of depth 3"),
    ("perceptron", "perceptron with a hidden layer of 3 units"),
    ("svm", "support vector machine, RBF kernel, 8 vectors"),
    ("nearest_neighbours", "3 nearest of 8 neighbours"),
];

const PAGE: &str = "# Examples

Every program has a table of inputs, `NAME.csv`; those with public parameters have them in `NAME.json`.

| program | what it does |
|---|---|
| `exp_mul.ffl` | `exp(x) * y`, a single expression |
| `polynomial.ffl` | a calibration curve |
| `dot.ffl` | an exact dot product of two encrypted vectors |
| `median.ffl` | the median of five integers by a sorting network |
| `triage.ffl` | which ward a patient goes to, by comparisons |
| `risk.ffl` | a risk score with its weights in the program, over [real data](data/README.md) |
| `linear_model.ffl` | a linear model with public weights |
| `logistic.ffl` `decision_tree.ffl` `perceptron.ffl` `svm.ffl` `nearest_neighbours.ffl` | trained models, below |
| [`paper/`](paper/README.md) | the paper's Examples 10 and 11, with their errors and bounds |

## Models

Trained with scikit-learn by [`scripts/train_models.py`](scripts/train_models.py) on two thirds of the data, in
`float<5, 11>`, with public weights: on encrypted rows,

```console
$ ffhec run examples/svm.ffl --public-file examples/svm.json --inputs examples/svm.csv --check
```

gives score and answer for nine rows, and says how far the scores are from those of exact arithmetic. On all test rows,
the same gates in the clear next to scikit-learn in f64 (written by `FFHEC_UPDATE=1 cargo test --test it models`, which
without the variable fails if the page is out of date; refreshes are for preset toy):

| model | right of ROWS | scikit-learn VERSION | answers that differ | ANDs | refreshes |
|---|---:|---:|---:|---:|---:|
";

/// Rows of the data with a number that is a multiple of 3: the features that the models use, and whether the mass is
/// malignant.
fn test_rows(features: &[String]) -> (String, Vec<bool>) {
    let text = std::fs::read_to_string(root().join("examples/data/breast_cancer.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let at = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let columns: Vec<usize> = features.iter().map(|name| at(name)).collect();
    let mut table = features.join(",") + "\n";
    let mut malignant = Vec::new();
    for row in lines.step_by(3) {
        table += &(columns.iter().map(|column| row[*column]).collect::<Vec<_>>().join(",") + "\n");
        malignant.push(row[at("benign")] == "0");
    }
    (table, malignant)
}

#[test]
fn models_are_as_accurate_as_scikit_learn() {
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("examples/data/models.json")).unwrap())
            .unwrap();
    let features: Vec<String> =
        report["features"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    let (table, malignant) = test_rows(&features);
    assert_eq!(report["test_rows"].as_u64(), Some(malignant.len() as u64));
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.csv");
    std::fs::write(&rows, table).unwrap();
    let version = report["scikit_learn"].as_str().unwrap();
    let mut page = PAGE.replace("ROWS", &malignant.len().to_string()).replace("VERSION", version);
    for (model, title) in MODELS {
        let (program, weights) = (format!("examples/{model}.ffl"), format!("examples/{model}.json"));
        let args = ["run", &program, "--public-file", &weights, "--inputs", rows.to_str().unwrap()];
        let results = ffhec(&[&args[..], &["--scheme", "plain", "-q"]].concat()).ok();
        let found: Vec<bool> = results.lines().skip(1).map(|line| line.ends_with("true")).collect();
        let theirs: Vec<bool> =
            report[model]["malignant"].as_str().unwrap().chars().map(|c| c == '1').collect();
        assert_eq!((found.len(), theirs.len()), (malignant.len(), malignant.len()));
        let agree = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| a == b).count();
        let (right, their_right) = (agree(&found, &malignant), agree(&theirs, &malignant));
        assert_eq!(report[model]["right"].as_u64(), Some(their_right as u64), "{model}");
        assert!(right + 2 >= their_right, "{model}: {right} right, scikit-learn {their_right}");
        let inspect = ["inspect", &program, "--public-file", &weights, "--json", "-q"];
        let costs: Value = serde_json::from_str(&ffhec(&inspect).ok()).unwrap();
        page += &format!(
            "| [{title}]({model}.ffl) | {right} | {their_right} | {} | {} | {} |\n",
            malignant.len() - agree(&found, &theirs),
            costs["and"],
            costs["refreshes"]
        );
    }
    let path = root().join("examples/README.md");
    if std::env::var_os("FFHEC_UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "run with FFHEC_UPDATE=1");
}
