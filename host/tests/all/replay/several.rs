//! Several responses at once, and components of spectra.

use super::*;

#[test]
fn several_responses_are_sought_together_and_told_by_their_names() {
    let folder = data();
    let at = |name: &str| folder.path().join(name);
    write_npy(
        &at("other.npy"),
        &[20, 24],
        (0..480).map(|n| f64::from(n * n % 97)),
    );
    let to = |out| [&REPLAY[..], &["--response", "other.npy", "--out", out]].concat();
    let output = beacon_ok(&to("first"), folder.path());
    assert_says(&text(&output.stdout), &["other: MAE", "NLPD"]);
    beacon_ok(&to("second"), folder.path());
    assert_eq!(rows(&at("first")), rows(&at("second")));
    let table = read(&at("first/acquisitions.csv"));
    let names = "step,row,column,value,score,mean,std,value:other,mean:other,std:other";
    assert_eq!(table.lines().next(), Some(names));
    for row in rows(&at("first")) {
        let cells: Vec<&str> = row.split(',').collect();
        let number = |cell: usize| cells[cell].parse::<u32>().unwrap();
        let pixel = number(1) * 24 + number(2);
        assert_eq!(cells[7], f64::from(pixel * pixel % 97).to_string());
        let is_seed = cells[0] == "0";
        assert_eq!(cells[8].is_empty() && cells[9].is_empty(), is_seed, "{row}");
    }
    let config: toml::Table = toml::from_str(&read(&at("first/config.toml"))).unwrap();
    assert_eq!(config["response"].as_array().unwrap().len(), 2);
    let summary = json(read(&at("first/summary.json")).as_bytes());
    let warnings = summary["warnings"].to_string();
    assert!(!warnings.contains("is cut"), "{warnings}");
    let further = &summary["further"][0];
    assert_eq!(further["target"], "other");
    for figure in ["mae", "rmse", "nlpd"] {
        let values = further[figure].as_array().unwrap();
        assert!(values.len() == 6 && values.iter().all(serde_json::Value::is_f64));
    }
    assert_eq!(
        summary["further_responses"][0][1].as_array().unwrap().len(),
        6
    );
    for map in ["surrogate_mean_2.npy", "surrogate_sigma_2.npy"] {
        let map = std::fs::read(at("first").join(map)).unwrap();
        assert_eq!(Npy::new(&map[..]).unwrap().shape(), [20, 24]);
    }
    assert!(at("first/pairs.svg").exists());
    // Nobody asked for the windows that tell maps apart; what is said of a map names it.
    for warning in summary["warnings"].as_array().unwrap() {
        let warning = warning.as_str().unwrap();
        assert!(!warning.contains("window:"), "{warning}");
        let of_noise = warning.contains("mostly noise");
        assert!(!of_noise || warning.starts_with('`'), "{warning}");
    }
    the_clusters_of_several_responses_are_told(&summary, folder.path());
    // A campaign of one response leaves nothing of it there.
    beacon_ok(&changed(&REPLAY, &["--out", "first"]), folder.path());
    for file in ["surrogate_mean_2.npy", "pairs.svg", "errors.svg"] {
        assert!(!at("first").join(file).exists(), "{file}");
    }
    let alone = read(&at("first/summary.json"));
    assert!(!alone.contains("response_cluster_coverage"));
}

/// The same points, replayed and scored, visit the same clusters.
fn the_clusters_of_several_responses_are_told(summary: &serde_json::Value, folder: &Path) {
    let curve = |from: &serde_json::Value, name: &str| -> Vec<f64> {
        let values = from[name].as_array().unwrap().iter();
        values.map(|value| value.as_f64().unwrap()).collect()
    };
    let [steps, all] = ["", "_with_seeds"].map(|seeds| {
        let name = format!("response_cluster_coverage{seeds}");
        let coverage = curve(summary, &name);
        assert_eq!(coverage.len(), 6, "{name}");
        assert!(coverage.is_sorted() && coverage[0] > 0.0 && coverage[5] < 0.5);
        coverage
    });
    assert!(all[5] > steps[5], "the seeds visited some as well");
    let order = [
        "--response",
        "other.npy",
        "--order",
        "first/acquisitions.csv",
    ];
    let score = [&["score"], &REPLAY[1..7], &order].concat();
    let scored = json(&beacon_ok(&[&score[..], &["--json"]].concat(), folder).stdout);
    assert_eq!(curve(&scored, "response_cluster_coverage"), steps);
    let said = text(&beacon_ok(&score, folder).stdout);
    assert_says(
        &said,
        &["response-cluster coverage  ", "MAE, other", "NLPD, other"],
    );
    let errors = read(&folder.join("first/errors.svg"));
    assert_says(&errors, &["MAE of", "NLPD of other"]);
    let coverages = read(&folder.join("first/coverages.svg"));
    assert_says(&coverages, &["response-cluster coverage"]);
}

#[test]
fn targets_of_spectra_are_numbers_of_each() {
    let folder = data();
    let run = |out: &str, how: &[&str]| {
        let change = [&["--response", "spectra.npy", "--out", out], how].concat();
        beacon_ok(&changed(&REPLAY, &change), folder.path());
        rows(&folder.path().join(out))
    };
    let one = run("one", &["--scalarizer", "window:0.5..1.5"]);
    assert_eq!(run("target", &["--target", "window:0.5..1.5"]), one);
    let both = [
        "--scalarizer",
        "window:0.5..1.5",
        "--target",
        "window:0.5..1.5",
    ];
    assert_eq!(run("both", &both), one);
    let two = run(
        "two",
        &["--target", "window:0.5..1.5", "--target", "window:1.5..2.5"],
    );
    assert_eq!(
        run("commas", &["--targets", "window:0.5..1.5,window:1.5..2.5"]),
        two
    );
    assert_ne!(two, one);
    let config: toml::Table =
        toml::from_str(&read(&folder.path().join("commas/config.toml"))).unwrap();
    assert_eq!(config["target"].as_array().unwrap().len(), 2);
    assert!(!read(&folder.path().join("one/config.toml")).contains("target ="));
}

/// The singular vectors of the weighted spectra so far, worked out by another algorithm.
fn components_of(spectra: &[[f64; CHANNELS]], count: usize) -> Vec<Vec<f64>> {
    let rows = spectra.len();
    let mut means = [0.0; CHANNELS];
    for spectrum in spectra {
        for (mean, value) in means.iter_mut().zip(spectrum) {
            *mean += value / rows as f64;
        }
    }
    let scaled = nalgebra::DMatrix::from_fn(rows, CHANNELS, |row, channel| {
        let of_spectrum = spectra[row].iter().sum::<f64>() / CHANNELS as f64;
        spectra[row][channel] / (of_spectrum * means[channel]).sqrt()
    });
    let found = scaled.svd(false, true);
    let vectors = found.v_t.unwrap();
    let mut order: Vec<usize> = (0..vectors.nrows()).collect();
    order.sort_by(|&a, &b| found.singular_values[b].total_cmp(&found.singular_values[a]));
    let vector = |&place: &usize| {
        let vector: Vec<f64> = vectors.row(place).iter().copied().collect();
        let largest = vector
            .iter()
            .copied()
            .max_by(|a, b| a.abs().total_cmp(&b.abs()));
        let sign = largest.unwrap().signum();
        let channels = vector.iter().zip(means);
        channels
            .map(|(value, mean)| sign * value / mean.sqrt())
            .collect()
    };
    order[..count].iter().map(vector).collect()
}

const CHANNELS: usize = 12;

/// Counts of three lines whose heights are ramps and a hill.
fn counts(pixel: usize) -> [f64; CHANNELS] {
    let (row, column) = ((pixel / 24) as f64, (pixel % 24) as f64);
    let hill = (-((row - 9.0).powi(2) + (column - 15.0).powi(2)) / 12.0).exp();
    std::array::from_fn(|channel| {
        let line = |at: f64, height: f64| height * (-(channel as f64 - at).powi(2)).exp();
        (3.0 + line(2.0, 20.0 + 2.0 * row)
            + line(6.0, 60.0 - 2.0 * column)
            + line(9.0, 90.0 * hill))
        .round()
    })
}

#[test]
fn components_of_the_spectra_so_far_are_sought_and_every_point_is_told_by_the_newest() {
    let folder = data();
    let at = |name: &str| folder.path().join(name);
    let values = (0..480).flat_map(counts);
    write_npy(&at("counts.npy"), &[20, 24, CHANNELS], values);
    let change = [
        "--response",
        "counts.npy",
        "--target",
        "spectrum:2",
        "--initial",
        "8",
        "--steps",
        "9",
    ];
    let run = |out| {
        let change = [&change[..], &["--out", out]].concat();
        let output = beacon_ok(&changed(&REPLAY, &change), folder.path());
        assert_says(&text(&output.stdout), &["component:2/2: MAE"]);
        rows(&at(out))
    };
    let told = run("first");
    assert_eq!(run("second"), told);
    let config: toml::Table = toml::from_str(&read(&at("first/config.toml"))).unwrap();
    assert_eq!(config["target"].as_str(), Some("spectrum:2"));
    let numbers = |row: &String| -> Vec<f64> {
        row.split(',')
            .map(|cell| cell.parse().unwrap_or(f64::NAN))
            .collect()
    };
    let points: Vec<Vec<f64>> = told.iter().map(numbers).collect();
    assert_eq!(points.len(), 17);
    let spectra: Vec<_> = points
        .iter()
        .map(|cells| counts(cells[1] as usize * 24 + cells[2] as usize))
        .collect();
    // They begin with the points that any target begins with.
    let single = [
        "--response",
        "response.npy",
        "--initial",
        "8",
        "--steps",
        "9",
        "--out",
        "single",
    ];
    beacon_ok(&changed(&REPLAY, &single), folder.path());
    let pixel = |row: &String| {
        row.split(',')
            .take(3)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let single = rows(&at("single"));
    let seeds = |rows: &[String]| rows[..8].iter().map(pixel).collect::<Vec<_>>();
    assert_eq!(seeds(&told), seeds(&single));
    // They are learnt from the first eight spectra, and again from half as many more.
    let vectors = components_of(&spectra[..12], 2);
    for (cells, spectrum) in points.iter().zip(&spectra) {
        for (vector, told) in vectors.iter().zip([cells[3], cells[7]]) {
            let expected: f64 = vector.iter().zip(spectrum).map(|(a, b)| a * b).sum();
            assert!(
                (told - expected).abs() < 1e-9 * spectrum.iter().sum::<f64>(),
                "{told} {expected}"
            );
        }
    }
    let summary = json(read(&at("first/summary.json")).as_bytes());
    let coverage = summary["target_coverage"].as_array().unwrap();
    let coverage: Vec<f64> = coverage
        .iter()
        .map(|share| share.as_f64().unwrap())
        .collect();
    assert!(
        coverage.is_sorted(),
        "what is covered stays so: {coverage:?}"
    );
}

#[test]
fn too_few_spectra_or_none_have_no_components() {
    let folder = data();
    let refused = |change: &[&str]| {
        let output = beacon(&changed(&REPLAY, change), folder.path());
        assert!(!output.status.success(), "{change:?}");
        text(&output.stderr)
    };
    for (change, told) in [
        (
            &[
                "--response",
                "spectra.npy",
                "--target",
                "spectrum:3",
                "--initial",
                "2",
            ][..],
            "initial is 2; expected at least the 3 spectra that `spectrum:3` is learnt from",
        ),
        (
            &["--target", "spectrum:3"],
            "is a map of 20 x 24, which has no components; leave out `--target spectrum:3`\n",
        ),
        (
            &["--target", "sum"],
            "which needs no scalarizer; leave out `--target sum`\n",
        ),
        (
            &["--scalarizer", "sum", "--target", "sum,line:Pd-La"],
            "leave out `--scalarizer sum` and `--target sum,line:Pd-La`\n",
        ),
        (
            &["--response", "spectra.npy", "--target", "spectrum:4"],
            "`spectrum:4` needs at least 4 channels; the axis has 3",
        ),
        (
            &[
                "--response",
                "spectra.npy",
                "--target",
                "spectrum:2,component:1/3",
            ],
            "`spectrum:2` and `spectrum:3` cannot be sought together",
        ),
    ] {
        let said = refused(change);
        assert!(said.contains(told), "{change:?}: {said}");
    }
}

#[test]
fn what_cannot_be_sought_together_is_refused() {
    let folder = data();
    let five = ["other", "a", "b", "c"].map(|name| format!("{name}.npy"));
    for name in &five {
        write_npy(
            &folder.path().join(name),
            &[20, 24],
            (0..480).map(f64::from),
        );
    }
    let mistakes: [(&[&str], &[&str]); 8] = [
        (
            &["--response", "response.npy"],
            &["`response.npy` is a response twice"],
        ),
        (&["--response", "small.npy"], &["20 x 24", "20 x 20"]),
        (
            &["--response", "spectra.npy"],
            &["`spectra.npy` holds spectra", "expected maps"],
        ),
        (
            &["--response", "other.npy", "--target", "sum"],
            &[
                "`other.npy`",
                "targets of different files cannot be sought together",
            ],
        ),
        (
            &[
                "--response",
                "other.npy",
                "--response",
                "a.npy",
                "--response",
                "b.npy",
                "--response",
                "c.npy",
            ],
            &["5 responses; expected at most 4"],
        ),
        (&["--target", "sum,sum"], &["`sum` is a target twice"]),
        (&["--target", "sum,peak"], &["unknown scalarizer `peak`"]),
        (
            &["--response", "other.npy", "--strategy", "beacon-elite"],
            &["beacon-elite with 2 targets", "one of beacon"],
        ),
    ];
    for (change, said) in mistakes {
        let output = beacon(&[&REPLAY[..], change].concat(), folder.path());
        refused(&output, said);
    }
}
