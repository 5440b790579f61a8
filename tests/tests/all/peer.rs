//! Our side of `tests/peers`, asked as its driver asks it: what it reports is what kernel and
//! metrics say, and what it cannot do it says.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use beacon_host::campaign::{CampaignConfig, Experiment as _, Posterior};
use beacon_host::controller::{Controller as _, InProcess, Memory, Setup};
use beacon_host::data::Map;
use beacon_host::data::files::read_map;
use beacon_host::metrics::{mae, nlpd};
use beacon_host::train::{FiltersTrainer, Trainer, TrainerConfig};
use beacon_kernel::{Acquisition, Candidate, Capacity, Model, Network};
use beacon_tests::specimen;

const SEED: u64 = 5;
const POINTS: u32 = 12;

fn points() -> Vec<Candidate> {
    (0..POINTS).map(|n| Candidate(n * 199)).collect()
}

/// Asks the process on the specimen it wrote itself; the answers, the greeting first.
fn ask(lines: &[String]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_beacon-peer");
    let written = Command::new(program)
        .arg("specimen")
        .arg(folder.path())
        .status();
    assert!(written.unwrap().success());
    let mut process = Command::new(program)
        .args(["image.npy", "scalarizer.npy"].map(|name| folder.path().join(name)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut answers = vec![output.next().unwrap().unwrap()];
    for line in lines {
        writeln!(input, "{line}").unwrap();
        answers.push(output.next().unwrap().unwrap());
    }
    drop(input);
    assert!(process.wait().unwrap().success());
    answers
}

/// The number behind a name in an answer.
fn figure(answer: &str, name: &str) -> f64 {
    let mut words = answer.split(' ').skip_while(|word| *word != name);
    words.nth(1).unwrap().parse().unwrap()
}

/// What the oracle found: epochs or steps of both fits, and what came of the second.
struct ByHand {
    epochs: [usize; 2],
    chosen: u32,
    mae: f64,
    nlpd: f64,
}

/// The oracle: trainer, kernel and metrics called as a campaign calls them, on the specimen's
/// own maps. The first fit is on all points but the last, the second on all.
fn by_hand(image: &Map, truth: &Map, surrogate: &str) -> ByHand {
    let window = CampaignConfig::default().window;
    let patches = image.patches(window).unwrap();
    let candidates = patches.candidates();
    let truth: Vec<f64> = (0..candidates.count() as u32)
        .map(|n| candidates.pixel(Candidate(n)).unwrap())
        .map(|pixel| truth.at(pixel.row, pixel.column))
        .collect();
    let points = points();
    let origin = truth[points[0].index()];
    let relative: Vec<f64> = points.iter().map(|p| truth[p.index()] - origin).collect();
    let config = TrainerConfig {
        seed: SEED,
        ..TrainerConfig::default()
    };
    let last = points.len() - 1;
    let (mut network, mut filters);
    let (epochs, model): ([usize; 2], Model<'_>) = if surrogate == "cnn" {
        let mut values = Vec::new();
        for point in &points {
            patches.append(*point, &mut values).unwrap();
        }
        network = Trainer::new(Network::for_window(window).unwrap(), config).unwrap();
        let epochs = [last, last + 1].map(|count| {
            let patches = &values[..count * window * window];
            network.fit(patches, &relative[..count]).unwrap().epochs
        });
        (epochs, network.model())
    } else {
        filters = FiltersTrainer::new(candidates, patches.pixels(), &config).unwrap();
        for point in &points[..last] {
            filters.add(*point).unwrap();
        }
        let first = filters.fit(&relative[..last]).unwrap();
        filters.add(points[last]).unwrap();
        let second = filters.fit(&relative).unwrap();
        let epochs = [first, second].map(|fit| fit.unwrap().epochs);
        (epochs, filters.model())
    };

    let mut memory = Memory::new(Capacity::for_candidates(candidates, points.len()));
    let mut kernel = InProcess::new(&mut memory).unwrap();
    let setup = Setup {
        candidates,
        pixels: patches.pixels(),
        seed: SEED,
        revision: 0,
    };
    kernel.begin(&setup).unwrap();
    for (point, response) in points.iter().zip(&relative) {
        kernel.measure(*point, *response as f32).unwrap();
    }
    kernel.load_model(&model, 1).unwrap();
    kernel.choose(Acquisition::default()).unwrap();
    let chosen = kernel.propose(true).unwrap().candidate.0;
    let posterior = Posterior::new(&kernel.surrogate().unwrap(), origin);

    let free = (0..truth.len()).filter(|&n| !points.contains(&Candidate(n as u32)));
    let (mut y, mut mean, mut variance) = (Vec::new(), Vec::new(), Vec::new());
    for n in free {
        y.push(truth[n]);
        mean.push(posterior.mean[n]);
        variance.push(posterior.variance[n] + posterior.noise);
    }
    ByHand {
        epochs,
        chosen,
        mae: mae(&y, &mean).unwrap(),
        nlpd: nlpd(&y, &mean, &variance).unwrap(),
    }
}

fn reports_what_kernel_and_metrics_say(surrogate: &str) {
    let experiment = specimen(1);
    let expected = by_hand(experiment.image(), experiment.truth().unwrap(), surrogate);
    let numbers: Vec<String> = points().iter().map(|point| point.0.to_string()).collect();
    let asked = [
        format!("points {surrogate} {SEED} {}", numbers.join(" ")),
        format!("train {}", POINTS - 1),
        format!("train {POINTS}"),
        format!("decide-anew {POINTS} beacon-structure"),
        format!("judge {POINTS}"),
    ];
    let answers = ask(&asked);
    assert!(answers[0].starts_with("ok candidates 2401 window 16 threads "));
    assert_eq!(answers[1], format!("ok points {POINTS}"));
    let epochs = [2, 3].map(|n| figure(&answers[n], "epochs") as usize);
    assert_eq!(epochs, expected.epochs);
    assert!(answers[2..5].iter().all(|a| figure(a, "seconds") > 0.0));
    assert_eq!(figure(&answers[4], "candidate"), f64::from(expected.chosen));
    assert_eq!(figure(&answers[5], "mae"), expected.mae);
    assert_eq!(figure(&answers[5], "nlpd"), expected.nlpd);
}

#[test]
fn the_process_reports_what_kernel_and_metrics_say_with_the_filters() {
    reports_what_kernel_and_metrics_say("filters");
}

#[test]
fn the_process_reports_what_kernel_and_metrics_say_with_a_network() {
    reports_what_kernel_and_metrics_say("cnn");
}

/// With 40 points two more make a fit due.
#[test]
fn a_step_without_a_fit_is_one_without_epochs() {
    let numbers: Vec<String> = (0..42).map(|n| (n * 50).to_string()).collect();
    let asked = [
        format!("points filters {SEED} {}", numbers.join(" ")),
        "train 40".to_owned(),
        "train 41".to_owned(),
        "train 42".to_owned(),
        "train 40".to_owned(),
    ];
    let answers = ask(&asked);
    let epochs = [2, 3, 4, 5].map(|n| figure(&answers[n], "epochs") > 0.0);
    assert_eq!(epochs, [true, false, true, true]);
}

#[test]
fn what_cannot_be_done_is_said_and_ends_nothing() {
    let asked = [
        "judge 3",
        "points filters 1 0 50 99999999",
        "points network 1 0 50 100",
        "points filters 1 0 50 100",
        "train 4",
        "decide 1 beacon",
        "train three",
        "train 3",
    ];
    let answers = ask(&asked.map(str::to_owned));
    let expected = [
        "error no points yet; `points SURROGATE SEED C C …` gives them",
        "error ",
        "error `network` is not a surrogate; filters and cnn are",
        "ok points 3",
        "error 4 points are asked for; 1 to 3 are accepted",
        "error 1 points are asked for; 2 to 3 are accepted",
        "error `three` is not a whole number from 0",
        "ok seconds ",
    ];
    for (answer, expected) in answers[1..].iter().zip(expected) {
        assert!(answer.starts_with(expected), "{answer}");
    }
}

#[test]
fn the_written_specimen_is_the_one_that_campaigns_explore() {
    let folder = tempfile::tempdir().unwrap();
    let written = Command::new(env!("CARGO_BIN_EXE_beacon-peer"))
        .arg("specimen")
        .arg(folder.path())
        .status();
    assert!(written.unwrap().success());
    let read = |name: &str| read_map(&folder.path().join(name).to_string_lossy()).unwrap();
    let experiment = specimen(1);
    assert_eq!(read("image.npy").values, experiment.image().values);
    assert_eq!(
        read("scalarizer.npy").values,
        experiment.truth().unwrap().values
    );
}
