//! Orders in which somebody measured, judged as a campaign is.
//!
//! `cargo test --release -p beacon-tests --test all score -- --nocapture` prints how the published
//! orders cover patch and latent space.

use beacon_host::campaign::{
    Cache, Campaign, CampaignConfig, Experiment as _, LatentConfig, Oracle, Outcome, RunFiles,
    Seeds, Spaces, Summary, read_order, write_run,
};
use beacon_host::data::files::Finished;
use beacon_host::metrics::{Groups, published_target_curve};
use beacon_kernel::{Candidate, Candidates, Edges};
use beacon_tests::live::trajectory;
use beacon_tests::{in_process, pfm, pfm_folder, published_seeds, run, specimen};
use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

const STEPS: [usize; 4] = [50, 100, 200, 300];

/// Follows an order and judges it in the target and the patch space.
fn follow(
    config: &CampaignConfig,
    seeds: &[Candidate],
    order: &[Candidate],
    experiment: &mut dyn Oracle,
) -> Outcome {
    let (seeds, order) = (seeds.to_vec(), order.to_vec());
    let campaign = Campaign::following(config.clone(), seeds, order, experiment).unwrap();
    let spaces = Spaces::new(campaign.patches(), None, &Cache::none()).unwrap();
    in_process(campaign.with_spaces(&spaces).unwrap(), experiment)
}

fn pfm_candidates() -> Candidates {
    Candidates::new(50, 50, 16).unwrap()
}

/// The order of a published run.
fn published(run: &str) -> Option<Vec<Candidate>> {
    let file = pfm_folder()?.join(format!("published_{run}.csv"));
    Some(read_order(&file, pfm_candidates(), &[]).unwrap().steps)
}

/// Figures: the coverage curves of the paper (Figure 3e), and what its orders really cover by
/// numpy over the same 100 bins, the largest value included.
#[test]
fn the_published_orders_give_the_published_coverage_and_the_corrected_one() {
    let Some(mut pfm) = pfm() else {
        return;
    };
    let Some(Seeds::Given(seeds)) = published_seeds() else {
        return;
    };
    let response = pfm.truth().unwrap().values.clone();
    let candidates = pfm_candidates();
    let truth: Vec<f64> = (0..candidates.count() as u32)
        .map(|n| candidates.pixel(Candidate(n)).unwrap())
        .map(|pixel| response[pixel.row * 50 + pixel.column])
        .collect();
    let config = CampaignConfig {
        retrain_every: 50.into(),
        edges: Edges::Inside,
        ..CampaignConfig::default()
    };
    for (run, as_published, corrected) in [
        ("ei", "0.413", "0.967"),
        ("mu", "0.402", "0.978"),
        ("beacon", "0.435", "0.674"),
    ] {
        let order = published(run).unwrap();
        let numbers: Vec<usize> = order.iter().map(|c| c.index()).collect();
        let curve = published_target_curve(&truth, &response, &numbers).unwrap();
        assert_eq!(format!("{:.3}", curve[299]), as_published, "{run}");
        let outcome = follow(&config, &seeds, &order, &mut pfm);
        let coverage = &outcome.series.target_coverage;
        assert_eq!(format!("{:.3}", coverage[299]), corrected, "{run}");
        assert!(outcome.series.target_coverage_with_seeds[299] >= coverage[299]);
        assert!(outcome.series.mae.iter().all(|mae| mae.is_finite()));
    }
}

/// Our own campaign is its own oracle: what it measured, followed, must be judged as it was
/// live, to the bit.
#[test]
fn an_order_of_our_own_is_judged_as_it_was_live() {
    let config = CampaignConfig {
        steps: 12,
        ..CampaignConfig::default()
    };
    let live = run(&config, Seeds::Random(6), &mut specimen(2));
    let folder = tempfile::tempdir().unwrap();
    write_run(
        folder.path(),
        &RunFiles::new(&live, &specimen(2), None),
        &config,
        &Summary::new(&live),
        &Finished::nothing(),
    )
    .unwrap();
    let file = folder.path().join("acquisitions.csv");
    let candidates = config.candidates(64, 64).unwrap();
    let order = read_order(&file, candidates, &[]).unwrap();
    let followed = follow(&config, &order.seeds, &order.steps, &mut specimen(2));

    assert_eq!(trajectory(&followed), trajectory(&live));
    assert_eq!(followed.series.target_coverage, live.series.target_coverage);
    assert_eq!(followed.series.mae, live.series.mae);
    assert_eq!(followed.series.nlpd, live.series.nlpd);
    assert_eq!(followed.series.surrogate_sigma, live.series.surrogate_sigma);
    assert_eq!(followed.series.patch_coverage.len(), 12);
    assert!(live.series.patch_coverage.is_empty(), "nobody asked for it");
}

#[test]
fn an_order_without_seeds_has_figures_from_its_first_point_on() {
    let order: Vec<Candidate> = (0..14).map(|n| Candidate(n * 150)).collect();
    let config = CampaignConfig::default();
    let outcome = follow(&config, &[], &order, &mut specimen(3));
    assert!(outcome.seeds.is_empty() && outcome.warnings.is_empty());
    for figure in [&outcome.series.mae, &outcome.series.nlpd] {
        assert!(figure.iter().all(|value| value.is_finite()), "{figure:?}");
    }
    // After the tenth point the model is the one that ten seeds would have had.
    let seeded = follow(&config, &order[..10], &order[10..], &mut specimen(3));
    assert_eq!(outcome.series.mae[10..], seeded.series.mae);
}

#[test]
fn an_order_that_cannot_be_followed_is_refused_before_anything_is_measured() {
    let refused = |seeds: &[u32], order: &[u32]| {
        let candidates = |numbers: &[u32]| numbers.iter().copied().map(Candidate).collect();
        let (seeds, order) = (candidates(seeds), candidates(order));
        let config = CampaignConfig::default();
        let campaign = Campaign::following(config, seeds, order, &specimen(1));
        campaign.err().map(|error| error.to_string())
    };
    assert!(refused(&[], &[4, 5, 4]).unwrap().contains('4'));
    assert!(refused(&[7], &[4, 7]).unwrap().contains('7'));
    assert!(refused(&[], &[4, 4096]).unwrap().contains("4096"));
    assert!(refused(&[], &[]).unwrap().contains("steps is 0"));
    assert_eq!(refused(&[], &[4, 4095]), None);
}

fn random_order(seed: u64) -> Vec<usize> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..1225).collect();
    for n in 0..300 {
        let rest = 1225 - n as u64;
        order.swap(n, n + (random.next_u64() % rest) as usize);
    }
    order.truncate(300);
    order
}

fn row(name: &str, curves: &[Vec<f64>]) -> [f64; 4] {
    let at = |step: usize| -> (f64, f64) {
        let values = || curves.iter().map(|curve| curve[step - 1]);
        let count = curves.len() as f64;
        let mean = values().sum::<f64>() / count;
        let squares = values().map(|v| (v - mean).powi(2)).sum::<f64>();
        (mean, (squares / (count - 1.0)).sqrt())
    };
    let cells = STEPS.map(|step| format!("{:.3} ± {:.3}", at(step).0, at(step).1));
    println!("| {name} | {} |", cells.join(" | "));
    STEPS.map(|step| at(step).0)
}

/// Prints shares at [`STEPS`] of the published orders, mean and deviation over the spaces, and
/// of 20 random orders in each; returns the shares at step 300, space by space.
fn compare(space: &str, spaces: &[Groups]) -> Option<Vec<[f64; 4]>> {
    println!(
        "{space} at {STEPS:?}, mean ± sd over {} spaces",
        spaces.len()
    );
    let mut ends = Vec::new();
    let mut curves = Vec::new();
    for name in ["ei", "mu", "beacon"] {
        let order: Vec<usize> = published(name)?.iter().map(|c| c.index()).collect();
        let each: Vec<_> = spaces.iter().map(|g| g.curve(&order).unwrap()).collect();
        row(name, &each);
        curves.push(each);
    }
    let random: Vec<Vec<Vec<f64>>> = spaces
        .iter()
        .map(|g| {
            (1..=20)
                .map(|seed| g.curve(&random_order(seed)).unwrap())
                .collect()
        })
        .collect();
    row("random", &random.concat());
    for number in 0..spaces.len() {
        let random = random[number].iter().map(|curve| curve[299]).sum::<f64>() / 20.0;
        let end = |name: usize| curves[name][number][299];
        ends.push([end(0), end(1), end(2), random]);
    }
    println!("step 300 by space: {ends:.3?}");
    Some(ends)
}

#[test]
fn whatever_the_clustering_chance_sees_most_patches_and_beacon_more_than_ei_and_mu() {
    let Some(pfm) = pfm() else {
        return;
    };
    let patches = pfm.image().patches(16).unwrap();
    let spaces = |seed| Spaces::with_seed(&patches, None, seed).unwrap();
    let groups: Vec<Groups> = (1..=5).map(|seed| spaces(seed).patch().clone()).collect();
    for [ei, mu, beacon, random] in compare("patch coverage", &groups).unwrap() {
        assert!(random > beacon && beacon > ei && ei > mu);
    }
}

#[test]
fn whatever_the_autoencoder_chance_and_beacon_see_more_of_its_plane_than_ei_and_mu() {
    let Some(pfm) = pfm() else {
        return;
    };
    let patches = pfm.image().patches(16).unwrap();
    let config = Some(LatentConfig::default());
    let spaces = |seed| Spaces::with_seed(&patches, config, seed).unwrap();
    let groups: Vec<Groups> = (1..=3)
        .map(|seed| spaces(seed).latent().unwrap().groups().clone())
        .collect();
    for [ei, mu, beacon, random] in compare("latent coverage", &groups).unwrap() {
        assert!(random.min(beacon) > ei.max(mu));
    }
}
