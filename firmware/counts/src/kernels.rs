//! The kernels that are counted, by the names that the debugger says.

use beacon_kernel::Strategy::{Beacon, BeaconStructure, Ei, Mu};

use crate::{Bench, Lent, LinkedCampaign, MEASUREMENTS, Table, macs, scene};

/// What counts a part of the kernel in an explorer's memory.
pub type Part = fn(Table, Lent);

/// What a new model and a decision are made of.
pub const PARTS: [(&str, Part); 13] = [
    ("features", features),
    ("filters", filters),
    ("latents", latents),
    ("refactor", refactor),
    ("model", model),
    ("surrogate", surrogate),
    ("image", image),
    ("append", append),
    ("structure", structure),
    ("sample", sample),
    ("novelty", novelty),
    ("update", update),
    ("space", space),
];

/// Dense features of the whole image: what a new model begins with.
fn features(mut table: Table, lent: Lent) {
    let mut bench = Bench::new(lent);
    let shape = bench.shape(MEASUREMENTS);
    bench.measure_until(MEASUREMENTS);
    table.row("features", shape, macs::features, || {
        bench.explorer.only_features(&bench.model)
    });
}

/// The nine features of the fixed filters at all candidates: once for an image.
fn filters(mut table: Table, lent: Lent) {
    let mut bench = Bench::new(lent);
    let shape = bench.shape(0);
    table.row("filters", shape, macs::filters, || {
        bench.explorer.only_filters()
    });
}

/// Latents of all candidates from those features: what new weights of the filters begin with.
fn latents(mut table: Table, lent: Lent) {
    let mut bench = Bench::new(lent);
    let shape = bench.shape(MEASUREMENTS);
    bench.measure_until(MEASUREMENTS);
    bench.explorer.only_filters().expect("features");
    let model = bench.filters();
    table.row("latents", shape, macs::latents, || {
        bench.explorer.only_features(&model)
    });
}

/// Covariances and factor of all points measured: what a new model ends with.
fn refactor(mut table: Table, lent: Lent) {
    let mut bench = Bench::new(lent);
    let shape = bench.shape(MEASUREMENTS);
    bench.measure_until(MEASUREMENTS);
    table.row("refactor", shape, macs::refactor, || {
        bench.explorer.only_refactor()
    });
}

/// New weights to ready: features, covariances, factor.
fn model(mut table: Table, lent: Lent) {
    let mut bench = Bench::new(lent);
    let shape = bench.shape(MEASUREMENTS);
    bench.measure_until(MEASUREMENTS);
    table.row("model", shape, macs::model, || {
        bench.explorer.load_model(&bench.model)
    });
}

/// Means and variances of all candidates, asked for after a new model.
fn surrogate(mut table: Table, lent: Lent) {
    let mut bench = Bench::new(lent);
    let shape = bench.shape(MEASUREMENTS);
    bench.measure_until(MEASUREMENTS);
    bench.explorer.load_model(&bench.model).expect("a model");
    table.row("surrogate", shape, macs::surrogate, || bench.surrogate());
}

/// A new image, up to the norms of its windows.
fn image(mut table: Table, lent: Lent) {
    let mut bench = Bench::new(lent);
    let shape = bench.shape(0);
    table.row("image", shape, macs::image, || bench.load_image());
}

/// One more point in the Gaussian process: a row of the factor.
fn append(mut table: Table, lent: Lent) {
    let mut bench = Bench::new(lent);
    for measurements in [30, 110, MEASUREMENTS] {
        let shape = bench.shape(measurements);
        bench.measure_until(measurements - 1);
        table.row("append", shape, macs::append, || {
            bench.measure(measurements - 1)
        });
    }
}

/// Structural distances of all candidates to one more measured point.
fn structure(mut table: Table, lent: Lent) {
    let mut bench = Bench::new(lent);
    let shape = bench.shape(MEASUREMENTS);
    bench.measure_with_structures_until(MEASUREMENTS - 1);
    bench.measure_until(MEASUREMENTS);
    table.row("structure", shape, macs::structure, || {
        bench.explorer.only_update_distances()
    });
}

/// A joint sample of the response at all candidates, by the path on its grid, in two parts: without the
/// newest response, and how it changes with it.
fn sample(mut table: Table, lent: Lent) {
    let mut bench = Bench::new(lent);
    let shape = bench.shape(MEASUREMENTS);
    bench.measure_until(MEASUREMENTS);
    table.row("sample", shape, macs::sample, || {
        bench.explorer.only_sample()
    });
}

/// Scores of all candidates: their novelty against the posterior means at the points measured,
/// weighted by the structural distance. What the means need besides the newest response is there.
fn novelty(mut table: Table, lent: Lent) {
    let mut bench = Bench::new(lent);
    let shape = bench.shape(MEASUREMENTS);
    bench.measure_with_structures_until(MEASUREMENTS);
    bench.explorer.only_sample().expect("a sample");
    table.row("novelty", shape, macs::novelty, || {
        bench.explorer.only_novelty()
    });
}

/// The recursive posterior: means and variances of all candidates after one more point.
fn update(mut table: Table, lent: Lent) {
    let mut bench = Bench::new(lent);
    let shape = bench.shape(MEASUREMENTS);
    bench.measure_until(MEASUREMENTS - 1);
    bench.explorer.load_model(&bench.model).expect("a model");
    bench.explorer.surrogate().expect("a surrogate");
    bench.measure_until(MEASUREMENTS);
    table.row("update", shape, macs::update, || bench.surrogate());
}

/// What neighbours add to all candidates, from the weights of the points.
fn space(mut table: Table, lent: Lent) {
    let mut bench = Bench::new(lent);
    let shape = bench.shape(MEASUREMENTS);
    let model = bench.filters();
    bench.explorer.load_model(&model).expect("a model");
    bench.measure_until(MEASUREMENTS);
    table.row("space", shape, macs::space, || bench.explorer.only_space());
}

/// Whole decisions on a 64 × 64 image: from the last byte of a measurement to the beam command.
pub fn decision(mut campaign: LinkedCampaign) {
    campaign.decision("decision", BeaconStructure, MEASUREMENTS, macs::decision);
    campaign.slice("slice", MEASUREMENTS);
    campaign.commit("commit", MEASUREMENTS);
    campaign.evaluation_slice("slice_commit", MEASUREMENTS);
    for measurements in [110, 30] {
        campaign.decision("decision", BeaconStructure, measurements, macs::decision);
    }
    campaign.decision("decision_beacon", Beacon, MEASUREMENTS, macs::decision);
    campaign.decision("decision_ei", Ei, MEASUREMENTS, macs::decision_ei);
    campaign.decision("decision_mu", Mu, MEASUREMENTS, macs::decision_mu);
    let (strategy, n) = (BeaconStructure, MEASUREMENTS);
    campaign.with_responses(2);
    campaign.decision("decision_2_responses", strategy, n, macs::decision_of::<2>);
    campaign.with_responses(3);
    campaign.decision("decision_3_responses", strategy, n, macs::decision_of::<3>);
    campaign.slice("slice_3_responses", n);
    let no_dwell = "decision_3_responses_no_dwell";
    campaign.decision_without_dwell(no_dwell, strategy, n, macs::decision_of_no_dwell::<3>);
    campaign.with_responses(1);
    decisions_of_other_models(campaign);
}

/// A whole decision with the fixed filters and their spatial part, with everything worked ahead and with
/// nothing, and with a latent plane that is as wide as it can be.
fn decisions_of_other_models(mut campaign: LinkedCampaign) {
    let (strategy, n) = (BeaconStructure, MEASUREMENTS);
    campaign.with_filters();
    campaign.decision("decision_filters", strategy, n, macs::decision_filters);
    campaign.slice("slice_filters", n);
    campaign.commit("commit_filters", n);
    let no_dwell = "decision_no_dwell";
    campaign.decision_without_dwell(no_dwell, strategy, n, macs::decision_no_dwell);
    campaign.decision("decision_ei_filters", Ei, n, macs::decision_ei_filters);
    campaign.with_a_wide_plane();
    campaign.decision("decision_wide", strategy, n, macs::decision_filters);
    campaign.slice("slice_wide", n);
}

/// Whole decisions in what campaigns meet, by models of the filters that were trained there.
pub fn scenes(mut campaign: LinkedCampaign) {
    campaign.with_filters();
    for scene in &scene::ALL {
        for points in scene::POINTS {
            campaign.with_scene(scene, points);
            campaign.decision(scene.row, BeaconStructure, points, macs::decision_filters);
        }
    }
}

/// A whole decision on a larger image.
pub fn large(mut campaign: LinkedCampaign) {
    campaign.decision("decision", BeaconStructure, MEASUREMENTS, macs::decision);
    campaign.slice("slice", MEASUREMENTS);
    decisions_of_other_models(campaign);
}
