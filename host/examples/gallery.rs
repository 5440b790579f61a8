//! Every kind of figure, drawn from published runs: `gallery DATA OUT` reads the folders
//! `pfm` and `stem-edx` of DATA and writes pictures into OUT.
//!
//! For looking at after a change of layout; figures of a campaign come from `beacon`.

use beacon_host::axis::Axis;
use beacon_host::map::Map;
use beacon_host::metrics::{TARGET_BINS, target_groups};
use beacon_host::report::{
    CoverageFigure, Curve, Stroke, SurrogateFigure, TargetFigure, Trajectory, TrajectoryFigure,
    only_at, save,
};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro128PlusPlus;
use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;
type Pixels = Vec<(usize, usize)>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, data, out] = &arguments[..] else {
        return Err("expected two folders: gallery DATA OUT".into());
    };
    let (data, out) = (Path::new(data), Path::new(out));
    std::fs::create_dir_all(out)?;
    pfm(&data.join("pfm"), out)?;
    stem(&data.join("stem-edx"), out)?;
    large(out)
}

fn pfm(folder: &Path, out: &Path) -> Outcome {
    let image = Map::uncalibrated(50, 50, npy(&folder.join("image.npy"))?, "PFM amplitude");
    let response = Map::uncalibrated(50, 50, npy(&folder.join("scalarizer.npy"))?, "loop height");
    let candidates = coords(&folder.join("coords.npy"))?;
    let target = only_at(&response, &candidates);
    let seeds = at(&candidates, &indices(&folder.join("seeds.npy"))?);
    let names = ["EI", "MU", "BEACON"];
    let orders = names
        .iter()
        .map(|name| order(&folder.join(format!("published_{}.csv", name.to_lowercase()))))
        .collect::<Outcome<Vec<_>>>()?;
    let steps: Vec<Pixels> = orders.iter().map(|order| at(&candidates, order)).collect();

    for (name, steps) in names.iter().zip(&steps) {
        for count in [25, 300] {
            let trajectory = Trajectory {
                strategy: name,
                seeds: &seeds,
                steps: &steps[..count],
            };
            let figure = TrajectoryFigure {
                image: &image,
                trajectory,
            };
            save(&figure, &out.join(format!("trajectory_{name}_{count}.png")))?;
            save(&figure, &out.join(format!("trajectory_{name}_{count}.svg")))?;
        }
    }
    let campaigns: Vec<Trajectory<'_>> = names
        .iter()
        .zip(&steps)
        .map(|(name, steps)| Trajectory {
            strategy: name,
            seeds: &seeds,
            steps: &steps[..100],
        })
        .collect();
    for count in 0..=3 {
        let figure = TargetFigure {
            target: &target,
            campaigns: &campaigns[..count],
        };
        save(&figure, &out.join(format!("target_{count}.png")))?;
    }

    let map = |kind: &str| -> Outcome<Vec<f64>> {
        let values: Vec<f32> = npy(&folder.join(format!("published_ei_step300_{kind}.npy")))?;
        Ok(values.into_iter().map(f64::from).collect())
    };
    let mean = Map::uncalibrated(50, 50, map("mean")?, "loop height");
    let sigma = map("var")?.into_iter().map(f64::sqrt).collect();
    let sigma = Map::uncalibrated(50, 50, sigma, "loop height");
    let (mean, sigma) = (only_at(&mean, &candidates), only_at(&sigma, &candidates));
    let figure = SurrogateFigure {
        mean: &mean,
        sigma: &sigma,
        truth: Some(&target),
    };
    save(&figure, &out.join("surrogate.png"))?;

    let truth: Vec<f64> = candidates.iter().map(|&(r, c)| response.at(r, c)).collect();
    coverage(&truth, &names, &orders, out)
}

fn coverage(truth: &[f64], names: &[&str], orders: &[Vec<usize>], out: &Path) -> Outcome {
    const RUNS: usize = 100;
    const STEPS: usize = 300;
    let groups = target_groups(truth, TARGET_BINS)?;
    let cover = |order: &[usize]| groups.curve(order);
    let published = orders
        .iter()
        .map(|order| cover(order))
        .collect::<Result<Vec<_>, _>>()?;

    let mut generator = Xoshiro128PlusPlus::seed_from_u64(1);
    let mut sums = vec![(0.0, 0.0); STEPS];
    for _ in 0..RUNS {
        let mut order: Vec<usize> = (0..truth.len()).collect();
        for i in 0..STEPS {
            let other = i + generator.next_u32() as usize % (truth.len() - i);
            order.swap(i, other);
        }
        for ((sum, squares), value) in sums.iter_mut().zip(cover(&order[..STEPS])?) {
            *sum += value / RUNS as f64;
            *squares += value * value / RUNS as f64;
        }
    }
    let (mean, sd): (Vec<f64>, Vec<f64>) = sums
        .into_iter()
        .map(|(mean, square)| (mean, (square - mean * mean).sqrt()))
        .unzip();

    let mut curves: Vec<Curve<'_>> = names
        .iter()
        .zip(&published)
        .map(|(name, values)| Curve {
            label: name,
            strategy: name,
            values,
            spread: None,
            stroke: Stroke::Solid,
        })
        .collect();
    curves.push(Curve {
        label: "random",
        strategy: "random",
        values: &mean,
        spread: Some(&sd),
        stroke: Stroke::Dashed,
    });
    let figure = CoverageFigure {
        quantity: "target coverage",
        curves: &curves,
    };
    save(&figure, &out.join("coverage.png"))?;
    save(&figure, &out.join("coverage.svg"))?;
    Ok(())
}

fn stem(folder: &Path, out: &Path) -> Outcome {
    let file = BufReader::new(File::open(folder.join("haadf.tiff"))?);
    let image = tiff::decoder::Decoder::new(file)?.read_image()?;
    let tiff::decoder::DecodingResult::U16(counts) = image else {
        return Err("expected an image of 16-bit counts".into());
    };
    // 64 pixels over the field of view in the file's own metadata.
    let axis = |name: &str| Axis {
        units: "nm".into(),
        scale: 92.76 / 64.0,
        ..Axis::pixels(name, 64)
    };
    let haadf = Map {
        values: counts.into_iter().map(f64::from).collect(),
        rows: axis("y"),
        columns: axis("x"),
        quantity: "HAADF".into(),
        units: "counts".into(),
    };
    let candidates = coords(&folder.join("coords.npy"))?;
    let seeds = at(&candidates, &indices(&folder.join("seeds.npy"))?);
    let steps = at(&candidates, &order(&folder.join("published_beacon.csv"))?);
    let trajectory = Trajectory {
        strategy: "BEACON",
        seeds: &seeds,
        steps: &steps,
    };
    save(
        &TrajectoryFigure {
            image: &haadf,
            trajectory,
        },
        &out.join("stem_trajectory.png"),
    )?;
    let figure = TargetFigure {
        target: &haadf,
        campaigns: &[trajectory, trajectory],
    };
    save(&figure, &out.join("stem_target.png"))?;
    Ok(())
}

/// Finer than the page, not square, and with values that need an exponent.
fn large(out: &Path) -> Outcome {
    const WIDTH: usize = 2400;
    let value = |i: usize| {
        let (row, column) = ((i / WIDTH) as f64, (i % WIDTH) as f64);
        1e7 * ((column / 150.0).sin() + (row / 90.0).cos())
    };
    let values = (0..1200 * WIDTH).map(value).collect();
    let image = Map::uncalibrated(1200, WIDTH, values, "synthetic");
    let steps: Pixels = (0..25)
        .map(|i| (40 + i * 45, (i * i * 37) % WIDTH))
        .collect();
    let trajectory = Trajectory {
        strategy: "thompson",
        seeds: &[(10, 10)],
        steps: &steps,
    };
    save(
        &TrajectoryFigure {
            image: &image,
            trajectory,
        },
        &out.join("large_trajectory.png"),
    )?;
    let figure = TargetFigure {
        target: &image,
        campaigns: &[trajectory],
    };
    save(&figure, &out.join("large_target.png"))?;
    save(&figure, &out.join("large_target.svg"))?;
    Ok(())
}

fn npy<T: npyz::Deserialize>(path: &Path) -> Outcome<Vec<T>> {
    Ok(npyz::NpyFile::new(BufReader::new(File::open(path)?))?.into_vec()?)
}

fn indices(path: &Path) -> Outcome<Vec<usize>> {
    Ok(npy::<i32>(path)?.into_iter().map(|i| i as usize).collect())
}

fn coords(path: &Path) -> Outcome<Pixels> {
    Ok(indices(path)?
        .chunks_exact(2)
        .map(|pixel| (pixel[0], pixel[1]))
        .collect())
}

/// The column `patch_index`, the second, of a published run.
fn order(path: &Path) -> Outcome<Vec<usize>> {
    let mut reader = csv::Reader::from_path(path)?;
    reader.records().map(|row| Ok(row?[1].parse()?)).collect()
}

fn at(candidates: &[(usize, usize)], order: &[usize]) -> Pixels {
    order.iter().map(|i| candidates[*i]).collect()
}
