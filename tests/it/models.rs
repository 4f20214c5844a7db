//! The small models: every test row of the data through the compiled gates, next to what scikit-learn answers.

use serde_json::Value;

use crate::command::{ffhec, root};

const MODELS: [&str; 4] = ["decision_tree", "perceptron", "svm", "nearest_neighbours"];

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
    let mut summary = String::new();
    for model in MODELS {
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
        summary += &format!(
            "{model}: {right} of {} right, scikit-learn {their_right}; {} answers differ\n",
            malignant.len(),
            malignant.len() - agree(&found, &theirs)
        );
    }
    insta::assert_snapshot!(summary);
}
