//! Campaigns that may reach the border of their image, and images with pixels that have no data.

use std::collections::BTreeSet;

use beacon_host::LiveError;
use beacon_host::campaign::{Campaign, CampaignConfig, Event, Outcome, Replay, Seeds};
use beacon_host::controller::{
    Controller as _, ControllerError, InProcess, Linked, Memory, Recovery, Setup,
};
use beacon_host::data::{Map, Patches};
use beacon_host::internal::journal::Journal;
use beacon_host::microscope::ReplayMicroscope;
use beacon_kernel::link::message::Spot;
use beacon_kernel::{
    Architecture, Candidate, Candidates, Capacity, Edges, Hyperparameters, Model, Network,
    Standardisation,
};
use beacon_tests::live::{begin, resume, settings, trajectory};
use beacon_tests::{Bench, ExplorerMemory, run};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro128PlusPlus;

use crate::pty_board::Board;

const HYPERPARAMETERS: Hyperparameters = Hyperparameters {
    lengthscale: [0.5, 0.4],
    outputscale: 1.0,
    noise: 0.02,
    mean: 0.1,
};
const STANDARDISATION: Standardisation = Standardisation {
    mean: 0.0,
    scale: 1.0,
};

fn uniform(random: &mut Xoshiro128PlusPlus) -> f32 {
    (random.next_u32() >> 8) as f32 / 16_777_216.0
}

fn weights(network: Network, random: &mut Xoshiro128PlusPlus) -> Vec<f32> {
    let count = network.weight_count();
    (0..count).map(|_| 0.6 * (uniform(random) - 0.5)).collect()
}

fn model(network: Network, weights: &[f32]) -> Model<'_> {
    Model {
        network,
        weights,
        hyperparameters: HYPERPARAMETERS,
        standardisation: STANDARDISATION,
        others: &[],
    }
}

/// Waves with some noise, and NaN at these pixels.
fn image(height: usize, width: usize, absent: &[(usize, usize)]) -> Map {
    let mut random = Xoshiro128PlusPlus::seed_from_u64(9);
    let values = (0..height * width).map(|i| {
        let (y, x) = ((i / width) as f64, (i % width) as f64);
        (0.7 * y).sin() + (0.4 * x).cos() + 0.2 * f64::from(uniform(&mut random))
    });
    let mut image = Map::uncalibrated(height, width, values.collect(), "image");
    for (row, column) in absent {
        image.values[row * width + column] = f64::NAN;
    }
    image
}

/// A response that follows the image where that has data.
fn response(image: &Map) -> Map {
    let mut response = image.completed().into_owned();
    for value in &mut response.values {
        *value = value.powi(2);
    }
    response
}

/// The latent vectors of a kernel's candidates, in bits.
fn latents(candidates: Candidates, pixels: &[f32], model: &Model<'_>) -> Vec<[u32; 2]> {
    let mut memory = ExplorerMemory::new(Capacity::for_candidates(candidates, 1));
    let mut explorer = memory.explorer(1);
    explorer.load_image_for(candidates, pixels).unwrap();
    explorer.load_model(model).unwrap();
    let latents = explorer.latents().unwrap().iter();
    latents.map(|latent| latent.map(f32::to_bits)).collect()
}

/// What a kernel makes of a candidate is what it makes of the host's patch alone.
#[test]
fn patches_of_the_host_are_the_windows_of_the_kernel_to_the_bit() {
    let mut random = Xoshiro128PlusPlus::seed_from_u64(3);
    for (height, width, window) in [
        (9, 13, 4),
        (14, 11, 10),
        (19, 22, 11),
        (5, 7, 16),
        (1, 12, 5),
        (24, 18, 16),
    ] {
        let absent: &[(usize, usize)] = if height > 2 { &[(2, 3), (2, 4)] } else { &[] };
        let image = image(height, width, absent);
        let network = Network::for_window(window).unwrap();
        let weights = weights(network, &mut random);
        let model = model(network, &weights);
        for edges in Edges::ALL {
            let Ok(patches) = image.patches_with_edges(window, edges) else {
                assert!(edges == Edges::Inside && window > height);
                continue;
            };
            let candidates = patches.candidates();
            if edges == Edges::Reflect {
                assert_eq!(candidates.count(), height * width);
            }
            let alone = Candidates::new(window, window, window).unwrap();
            let found = latents(candidates, patches.pixels(), &model);
            for (n, found) in found.into_iter().enumerate() {
                let mut patch = Vec::new();
                patches.append(Candidate(n as u32), &mut patch).unwrap();
                let expected = latents(alone, &patch, &model);
                assert_eq!([found][..], expected, "{height} x {width}, {edges:?}, {n}");
            }
        }
    }
}

fn config(window: usize, edges: Edges, steps: usize) -> CampaignConfig {
    CampaignConfig {
        window,
        edges,
        steps,
        initial: 6,
        retrain_every: 10.into(),
        ..CampaignConfig::default()
    }
}

/// Pixels of all points.
fn pixels(outcome: &Outcome) -> BTreeSet<(usize, usize)> {
    let points = outcome.seeds.iter().chain(&outcome.steps);
    points
        .map(|point| (point.pixel.row, point.pixel.column))
        .collect()
}

#[test]
fn all_pixels_with_data_can_be_measured_and_no_other() {
    for (height, width, window, edges, from) in [
        (10, 12, 16, Edges::Reflect, 0),
        (13, 9, 10, Edges::Reflect, 0),
        (16, 17, 10, Edges::Inside, 5),
    ] {
        let absent = [(6, 7), (6, 8), (7, 8)];
        let image = image(height, width, &absent);
        let (rows, columns) = match edges {
            Edges::Reflect => (0..height, 0..width),
            Edges::Inside => (from..height + 1 - from, from..width + 1 - from),
        };
        let all = rows.flat_map(|row| columns.clone().map(move |column| (row, column)));
        let expected: BTreeSet<_> = all.filter(|pixel| !absent.contains(pixel)).collect();
        // A map of responses may know more than the image.
        let mut replay = Replay::new(image.clone(), response(&image)).unwrap();
        let config = config(window, edges, expected.len() - 6);
        let outcome = run(&config, Seeds::Random(6), &mut replay);
        assert_eq!(pixels(&outcome), expected, "{edges:?}");
        let said = outcome.warnings.join("; ");
        assert!(
            said.contains("3 pixels are masked or without data"),
            "{said}"
        );
        assert!(outcome.series.mae.iter().all(|error| error.is_finite()));
    }
}

#[test]
fn a_window_that_does_not_fit_is_refused_with_what_does() {
    let refused = |height, width, window, edges| {
        let image = image(height, width, &[]);
        let replay = Replay::new(image.clone(), response(&image)).unwrap();
        let campaign = Campaign::new(config(window, edges, 5), Seeds::Random(3), &replay);
        campaign.err().expect("it does not fit").to_string()
    };
    for (said, expected) in [
        (
            refused(10, 12, 16, Edges::Inside),
            "window is 16; expected 4 to 10 pixels for an image of 10 x 12, or edges `reflect`",
        ),
        (
            refused(10, 12, 65, Edges::Reflect),
            "window is 65; expected 4 to 64 pixels for an image of 10 x 12",
        ),
        (
            refused(3, 40, 4, Edges::Inside),
            "window is 4; expected an image of 4 x 4 pixels or more, not 3 x 40, or edges `reflect`",
        ),
        (
            refused(3, 40, 3, Edges::Reflect),
            "window is 3; expected 4 to 64 pixels for an image of 3 x 40",
        ),
    ] {
        assert_eq!(said, expected);
    }
    let nothing = Map::uncalibrated(12, 12, vec![f64::NAN; 144], "nothing");
    let replay = Replay::new(nothing.clone(), nothing).unwrap();
    let said = Campaign::new(config(4, Edges::Reflect, 5), Seeds::Random(3), &replay);
    let said = said.err().expect("there is nothing").to_string();
    assert!(said.contains("pixels with data"), "{said}");
}

/// What `beacon run` records as asked for.
fn recorded(folder: &std::path::Path) -> String {
    let found = Journal::open(&folder.join("journal")).unwrap();
    match &found.records[0].1.event {
        Event::Begun(begun) => begun.settings.clone(),
        event => panic!("the journal begins with {event:?}"),
    }
}

#[test]
fn a_live_campaign_reaches_the_border_as_a_replay_does_and_keeps_its_edges() {
    let absent = [(0, 0), (5, 5), (5, 6)];
    let image = image(14, 15, &absent);
    let response = response(&image);
    for (edges, window, at_border) in [("reflect", 16, true), ("inside", 8, false)] {
        let arguments = format!("--budget 30 --initial 6 --window {window} --edges {edges}");
        let arguments = format!("--microscope replay:a,b {arguments}");
        let open = || ReplayMicroscope::of_response(image.clone(), response.clone()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let mut config = settings(&arguments);
        config.dwell = Some(0.001);
        let ran = begin(&mut open(), config.clone(), &path).unwrap();
        assert!(recorded(&path).contains(&format!("edges = \"{edges}\"")));

        let mut campaign = config.campaign.clone();
        campaign.steps = 24;
        let mut replay = Replay::new(image.clone(), response.clone()).unwrap();
        let replayed = run(&campaign, Seeds::Random(6), &mut replay);
        assert_eq!(ran.trajectory(), trajectory(&replayed), "{edges}");
        let said = ran.outcome.warnings.join("; ");
        assert!(
            said.contains("3 pixels are masked or without data"),
            "{said}"
        );
        let measured = pixels(&ran.outcome);
        assert!(absent.iter().all(|pixel| !measured.contains(pixel)));
        let border = measured
            .iter()
            .filter(|(row, column)| *row < 4 || *column < 4);
        assert_eq!(border.count() > 0, at_border);

        // The journal alone says what the candidates were.
        let resumed = resume(&mut open(), &path).unwrap();
        assert_eq!(resumed.trajectory(), ran.trajectory());

        // No more than there are candidates.
        config.budget = 1000;
        let other = folder.path().join("other");
        match begin(&mut open(), config, &other) {
            Err(LiveError::Setting(error)) => {
                let most = if at_border {
                    "at most 210"
                } else {
                    "at most 56"
                };
                assert!(error.to_string().contains(most), "{error}");
            }
            other => panic!("a budget beyond all candidates gave {:?}", other.err()),
        }
    }
}

/// A model of the fixed filters that nobody trained.
fn filters(window: usize) -> (Network, Vec<f32>) {
    let network = Network::new(Architecture::Filters, window).unwrap();
    let weights = (0..network.layout().space.start).map(|i| (i as f32 * 0.7).sin());
    (network, weights.chain(Bench::SPACE).collect())
}

/// Another host, with a kernel of its own beside the board.
fn linked<'m>(board: &Board, host: u32, memory: &'m mut Memory) -> Linked<'m> {
    let mirror = InProcess::new(memory).unwrap();
    Linked::connect(board.client(host), Recovery::default(), mirror).unwrap()
}

fn setup(candidates: Candidates, patches: &Patches) -> Setup<'_> {
    Setup {
        candidates,
        pixels: patches.pixels(),
        seed: 4,
        revision: 0,
    }
}

/// Both kernels expect the same everywhere, to the bit.
fn assert_agree(linked: &mut Linked<'_>) {
    let ours = linked.surrogate().unwrap();
    let ours: Vec<_> = ours.iter().map(|(mean, _)| mean.to_bits()).collect();
    let (theirs, _) = linked.surrogate_of_board(0).unwrap();
    let theirs: Vec<_> = theirs.into_iter().map(f32::to_bits).collect();
    assert_eq!(ours, theirs);
}

/// A linked board compares each proposal with its mirror by itself.
#[test]
fn a_board_that_is_reset_goes_on_with_filters_over_every_pixel() {
    const SIDE: usize = 20;
    let candidates = Candidates::with_edges(SIDE, SIDE, 8, Edges::Reflect).unwrap();
    let capacity = Capacity::for_candidates(candidates, 40);
    let patches = image(SIDE, SIDE, &[])
        .patches_with_edges(8, Edges::Reflect)
        .unwrap();
    let (network, weights) = filters(8);
    let model = model(network, &weights);
    let board = Board::start(capacity);
    let mut memory = Memory::new(capacity);
    let mut linked = linked(&board, 1, &mut memory);
    linked.begin(&setup(candidates, &patches)).unwrap();
    linked.load_model(&model, 1).unwrap();
    let mut next = Candidate(0);
    for step in 0..25 {
        if step == 12 {
            board.restart();
        }
        linked.measure(next, (next.0 as f32 * 0.37).sin()).unwrap();
        next = linked.propose(false).unwrap().candidate;
    }
    let status = linked.status().unwrap();
    assert_eq!((status.measured, status.model), (25, Some(1)));
    assert_eq!(linked.link().unwrap().losses, 1);
    assert_agree(&mut linked);

    // The same image with other edges is another campaign.
    linked.end().unwrap();
    let inside = Candidates::new(SIDE, SIDE, 8).unwrap();
    linked.begin(&setup(inside, &patches)).unwrap();
    assert_eq!(linked.status().unwrap().measured, 0);
}

/// The board has room for 20 points. Its mirror, which has room for all, drops the same ones; so does a board that
/// is told all anew, and the next host finds what was measured.
#[test]
fn a_board_at_its_capacity_goes_on() {
    const SIDE: usize = 20;
    let candidates = Candidates::with_edges(SIDE, SIDE, 8, Edges::Reflect).unwrap();
    let patches = image(SIDE, SIDE, &[])
        .patches_with_edges(8, Edges::Reflect)
        .unwrap();
    let (network, weights) = filters(8);
    let model = model(network, &weights);
    let board = Board::start(Capacity::for_candidates(candidates, 20));
    let setup = setup(candidates, &patches);
    let response = |candidate: Candidate| (candidate.0 as f32 * 0.37).sin();
    let mut told = Vec::new();
    let mut next = Candidate(0);
    for (host, steps) in [(1, 0..50), (2, 50..75)] {
        let mut memory = Memory::new(Capacity::for_candidates(candidates, 80));
        let mut linked = linked(&board, host, &mut memory);
        assert_eq!(linked.room(), usize::MAX);
        linked.begin(&setup).unwrap();
        linked.load_model(&model, 1).unwrap();
        for &candidate in &told {
            linked.measure(candidate, response(candidate)).unwrap();
        }
        for step in steps {
            if step == 33 {
                board.restart();
            }
            linked.measure(next, response(next)).unwrap();
            told.push(next);
            let proposal = linked.propose(false).unwrap();
            assert_eq!(proposal.step, told.len());
            next = proposal.candidate;
        }
        let status = linked.status().unwrap();
        assert_eq!(status.measured as usize, told.len());
        let link = linked.link().unwrap();
        assert!((18..=20).contains(&link.held), "{link:?}");
        assert_agree(&mut linked);
    }
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), 75);
}

#[test]
fn an_older_board_is_used_as_ever_and_what_it_lacks_is_named() {
    const SIDE: usize = 16;
    let reflect = Candidates::with_edges(SIDE, SIDE, 8, Edges::Reflect).unwrap();
    let capacity = Capacity::for_candidates(reflect, 20);
    let patches = image(SIDE, SIDE, &[]).patches(8).unwrap();
    let board = Board::of(1, capacity);
    let mut memory = Memory::new(capacity);
    let mut linked = linked(&board, 1, &mut memory);
    assert_eq!(linked.identity().protocol_current, 1);
    let lacking = |error: ControllerError, what: &str, instead: &str| {
        assert!(
            matches!(
                error,
                ControllerError::TooOld {
                    version: 1,
                    since: 2,
                    ..
                }
            ),
            "{error}"
        );
        let said = error.to_string();
        for words in [what, "flash the firmware that came with this host", instead] {
            assert!(said.contains(words), "{said}");
        }
    };
    let error = linked.point(Spot::MIDDLE).unwrap_err();
    lacking(error, "without a campaign", "beacon controller selftest");
    let error = linked.begin(&setup(reflect, &patches)).unwrap_err();
    lacking(error, "reach beyond the image", "--edges inside");

    let inside = Candidates::new(SIDE, SIDE, 8).unwrap();
    linked.begin(&setup(inside, &patches)).unwrap();
    let (network, weights) = filters(8);
    let mut model = model(network, &weights);
    let error = linked.load_model(&model, 1).unwrap_err();
    lacking(error, "models of filters", "--surrogate cnn");

    let network = Network::for_window(8).unwrap();
    let mut random = Xoshiro128PlusPlus::seed_from_u64(6);
    let weights = self::weights(network, &mut random);
    (model.network, model.weights) = (network, &weights);
    linked.load_model(&model, 1).unwrap();
    let mut next = Candidate(0);
    for _ in 0..5 {
        linked.measure(next, next.0 as f32).unwrap();
        next = linked.propose(false).unwrap().candidate;
    }
    assert_eq!(linked.status().unwrap().measured, 5);
}
