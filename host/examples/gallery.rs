//! Every figure from the published PFM and STEM runs, for a look: `gallery DATA OUT`.

use beacon_host::axis::Axis;
use beacon_host::map::Map;
use beacon_host::metrics::TargetCoverage;
use beacon_host::report::{
    CoverageFigure, Curve, Stroke, SurrogateFigure, TargetFigure, Trajectory, TrajectoryFigure,
    only_at, save,
};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

fn npy<T: npyz::Deserialize>(path: &Path) -> Vec<T> {
    npyz::NpyFile::new(BufReader::new(File::open(path).unwrap()))
        .unwrap()
        .into_vec()
        .unwrap()
}

fn floats(path: &Path) -> Vec<f64> {
    npy::<f32>(path).into_iter().map(f64::from).collect()
}

fn coords(path: &Path) -> Vec<(usize, usize)> {
    npy::<i32>(path)
        .chunks_exact(2)
        .map(|rc| (rc[0] as usize, rc[1] as usize))
        .collect()
}

fn order(path: &Path) -> Vec<usize> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader
        .records()
        .map(|row| row.unwrap()[1].parse().unwrap())
        .collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (data, out) = (Path::new(&arguments[1]), Path::new(&arguments[2]));
    let pfm = data.join("pfm");
    let image = Map::uncalibrated(50, 50, npy(&pfm.join("image.npy")), "PFM amplitude");
    let mut response = Map::uncalibrated(50, 50, npy(&pfm.join("scalarizer.npy")), "loop height");
    response.units = "norm.".to_owned();
    let candidates = coords(&pfm.join("coords.npy"));
    let seeds: Vec<_> = npy::<i32>(&pfm.join("seeds.npy"))
        .iter()
        .map(|i| candidates[*i as usize])
        .collect();
    let truth: Vec<f64> = candidates.iter().map(|&(r, c)| response.at(r, c)).collect();
    let target = only_at(&response, &candidates);

    let runs: Vec<(&str, Vec<usize>)> = ["EI", "MU", "BEACON"]
        .into_iter()
        .map(|name| {
            (
                name,
                order(&pfm.join(format!("published_{}.csv", name.to_lowercase()))),
            )
        })
        .collect();
    let steps: Vec<Vec<(usize, usize)>> = runs
        .iter()
        .map(|(_, o)| o.iter().map(|i| candidates[*i]).collect())
        .collect();
    for (i, (name, _)) in runs.iter().enumerate() {
        for count in [300, 40] {
            let trajectory = Trajectory {
                strategy: name,
                seeds: &seeds,
                steps: &steps[i][..count],
            };
            let figure = TrajectoryFigure {
                image: &image,
                trajectory,
            };
            save(&figure, &out.join(format!("trajectory_{name}_{count}.png"))).unwrap();
            save(&figure, &out.join(format!("trajectory_{name}_{count}.svg"))).unwrap();
        }
    }
    let campaign = |i: usize| Trajectory {
        strategy: runs[i].0,
        seeds: &seeds,
        steps: &steps[i][..100],
    };
    let one = TargetFigure {
        target: &target,
        campaigns: &[campaign(0)],
    };
    save(&one, &out.join("target_one.png")).unwrap();
    let two = TargetFigure {
        target: &target,
        campaigns: &[campaign(0), campaign(2)],
    };
    save(&two, &out.join("target_two.png")).unwrap();
    let three = TargetFigure {
        target: &target,
        campaigns: &[campaign(0), campaign(1), campaign(2)],
    };
    save(&three, &out.join("target_three.png")).unwrap();

    let coverage: Vec<Vec<f64>> = runs
        .iter()
        .map(|(_, o)| TargetCoverage::curve(&truth, o, TargetCoverage::BINS).unwrap())
        .collect();
    let half: Vec<f64> = (0..300)
        .map(|i| 0.03 + 0.01 * f64::from(i % 7) / 7.0)
        .collect();
    let random: Vec<f64> = (1..=300)
        .map(|i| 1.0 - (-f64::from(i) / 220.0).exp())
        .collect();
    let mut curves: Vec<Curve<'_>> = runs
        .iter()
        .zip(&coverage)
        .map(|((name, _), values)| Curve {
            label: name,
            strategy: name,
            values,
            spread: None,
            stroke: Stroke::Solid,
        })
        .collect();
    curves.push(Curve {
        label: "random (200 runs)",
        strategy: "random",
        values: &random,
        spread: Some(&half),
        stroke: Stroke::Dashed,
    });
    let shifted: Vec<Vec<f64>> = [0.9, 0.95, 1.02]
        .iter()
        .map(|k| random.iter().map(|v| v * k).collect())
        .collect();
    for (values, name) in shifted.iter().zip(["beacon-elite", "ucb", "thompson"]) {
        curves.push(Curve {
            label: name,
            strategy: name,
            values,
            spread: Some(&half),
            stroke: Stroke::Solid,
        });
    }
    let figure = CoverageFigure {
        quantity: "target coverage",
        curves: &curves,
    };
    save(&figure, &out.join("coverage.png")).unwrap();
    save(&figure, &out.join("coverage.svg")).unwrap();

    let mean = only_at(
        &Map::uncalibrated(
            50,
            50,
            floats(&pfm.join("published_ei_step300_mean.npy")),
            "loop height",
        ),
        &candidates,
    );
    let variance: Vec<f64> = floats(&pfm.join("published_ei_step300_var.npy"));
    let sigma = only_at(
        &Map::uncalibrated(
            50,
            50,
            variance.iter().map(|v| v.sqrt()).collect(),
            "loop height",
        ),
        &candidates,
    );
    let figure = SurrogateFigure {
        mean: &mean,
        sigma: &sigma,
        truth: Some(&target),
    };
    save(&figure, &out.join("surrogate.png")).unwrap();

    let stem = data.join("stem-edx");
    let mut decoder =
        tiff::decoder::Decoder::new(BufReader::new(File::open(stem.join("haadf.tiff")).unwrap()))
            .unwrap();
    let tiff::decoder::DecodingResult::U16(counts) = decoder.read_image().unwrap() else {
        panic!("expected 16-bit counts")
    };
    let mut haadf = Map::uncalibrated(
        64,
        64,
        counts.iter().map(|v| f64::from(*v)).collect(),
        "HAADF",
    );
    let axis = |name: &str| Axis {
        name: name.to_owned(),
        units: "nm".to_owned(),
        offset: 0.0,
        scale: 92.76 / 64.0,
        size: 64,
    };
    (haadf.rows, haadf.columns) = (axis("y"), axis("x"));
    haadf.units = "counts".to_owned();
    let candidates = coords(&stem.join("coords.npy"));
    for run in ["beacon", "ei"] {
        let steps: Vec<_> = order(&stem.join(format!("published_{run}.csv")))
            .iter()
            .map(|i| candidates[*i])
            .collect();
        let seeds: Vec<_> = npy::<i32>(&stem.join("seeds.npy"))
            .iter()
            .map(|i| candidates[*i as usize])
            .collect();
        let trajectory = Trajectory {
            strategy: run,
            seeds: &seeds,
            steps: &steps,
        };
        save(
            &TrajectoryFigure {
                image: &haadf,
                trajectory,
            },
            &out.join(format!("stem_{run}.png")),
        )
        .unwrap();
    }
    let figure = SurrogateFigure {
        mean: &haadf,
        sigma: &haadf,
        truth: None,
    };
    save(&figure, &out.join("stem_surrogate.png")).unwrap();
    let figure = TargetFigure {
        target: &haadf,
        campaigns: &[],
    };
    save(&figure, &out.join("stem_target.png")).unwrap();

    // Larger than the page, not square, and wild in its values.
    let big = Map::uncalibrated(
        1200,
        2400,
        (0..1200 * 2400)
            .map(|i| {
                1e7 * ((f64::from(i % 2400) / 150.0).sin() + (f64::from(i / 2400) / 90.0).cos())
            })
            .collect(),
        "synthetic",
    );
    let walk: Vec<(usize, usize)> = (0..25)
        .map(|i| (40 + i * 45, (i * i * 37) % 2400))
        .collect();
    let trajectory = Trajectory {
        strategy: "thompson",
        seeds: &[(10, 10)],
        steps: &walk,
    };
    save(
        &TrajectoryFigure {
            image: &big,
            trajectory,
        },
        &out.join("big.png"),
    )
    .unwrap();
    save(
        &TargetFigure {
            target: &big,
            campaigns: &[trajectory],
        },
        &out.join("big_target.png"),
    )
    .unwrap();
}
