use super::*;

#[test]
fn a_figure_that_could_not_be_computed_survives_its_file_form() {
    let truth = Map::uncalibrated(4, 5, (0..20).map(f64::from).collect(), "ramp");
    let candidates = Candidates::new(4, 5, 4).unwrap();
    let mut monitor = Monitor::new(Some(&truth), candidates).unwrap();
    let mut series = Series::default();
    monitor
        .record((Candidate(1), &[0.1]), None, 0.5, &mut series)
        .unwrap();
    let text = serde_json::to_string(&series).unwrap();
    assert!(text.contains("\"mae\":[null]"), "{text}");
    let read: Series = serde_json::from_str(&text).unwrap();
    assert!(read.mae[0].is_nan());
    assert_eq!((read.target_coverage, read.seconds), (vec![0.5], vec![0.5]));
}

#[test]
fn without_a_truth_coverage_is_that_of_the_range_measured_so_far() {
    let candidates = Candidates::new(4, 5, 4).unwrap();
    let mut monitor = Monitor::new(None, candidates).unwrap();
    let mut series = Series::default();
    monitor.seed(Candidate(0), &[2.0]).unwrap();
    for response in [2.0, 12.0, f64::NAN, 7.0, 7.01] {
        let point = (Candidate(1), &[response][..]);
        monitor.record(point, None, 0.0, &mut series).unwrap();
    }
    assert_eq!(series.observed_coverage, [0.01, 0.02, 0.02, 0.03, 0.03]);
    assert!(series.target_coverage.is_empty() && series.mae.is_empty());
    assert_eq!(series.surrogate_mean.len(), 5);
}

#[test]
fn another_target_counts_the_points_so_far_in_its_own_bins() {
    let truth = |values: [f64; 2]| {
        let mut map = Map::uncalibrated(4, 5, vec![0.0; 20], "response");
        (map.values[12], map.values[13]) = (values[0], values[1]);
        map
    };
    let candidates = Candidates::new(4, 5, 4).unwrap();
    let mut monitor = Monitor::new(Some(&truth([0.0, 1.0])), candidates).unwrap();
    let mut series = Series::default();
    let first = (Candidate(0), &[0.0][..]);
    monitor.record(first, None, 0.0, &mut series).unwrap();
    let visited = [(Candidate(0), vec![5.0])];
    let other = truth([5.0, 1.0]);
    let against = |truth| Judgement {
        truth: Some(truth),
        ..Judgement::default()
    };
    monitor.restart(against(&other), &[], &visited).unwrap();
    let second = (Candidate(1), &[1.0][..]);
    monitor.record(second, None, 0.0, &mut series).unwrap();
    assert_eq!(series.target_coverage, [0.5, 1.0]);
    let constant = truth([3.0, 3.0]);
    assert!(monitor.restart(against(&constant), &[], &[]).is_err());
    assert!(monitor.target().is_none());
}

/// Two responses of two values each, which are the parities of column and row.
#[test]
fn coverage_of_several_responses_is_that_of_their_cells() {
    let candidates = Candidates::new(8, 9, 4).unwrap();
    let map = |of: fn(usize) -> usize| {
        let values = (0..72).map(|n| of(n) as f64);
        Map::uncalibrated(8, 9, values.collect(), "parity")
    };
    let first = map(|n| n % 9 % 2);
    let further = FurtherTarget {
        name: "other".to_owned(),
        units: String::new(),
        truth: Some(map(|n| n / 9 % 2)),
    };
    let cells = |further: &FurtherTarget| {
        let further = std::slice::from_ref(further);
        let monitor = Monitor::of_several(Some(&first), further, candidates).unwrap();
        monitor.target().unwrap().occupied()
    };
    assert_eq!(cells(&further), 4);
    let unknown = FurtherTarget {
        truth: None,
        ..further
    };
    assert_eq!(cells(&unknown), 2);
}

#[test]
fn seeds_count_in_the_arrays_that_say_so_alone() {
    let truth = Map::uncalibrated(4, 5, (0..20).map(f64::from).collect(), "ramp");
    let candidates = Candidates::new(4, 5, 4).unwrap();
    let mut monitor = Monitor::new(Some(&truth), candidates).unwrap();
    let patches = truth.patches(4).unwrap();
    let spaces = Spaces::new(&patches, None, &crate::spaces::Cache::none()).unwrap();
    monitor.judge_in(&spaces).unwrap();
    monitor.seed(Candidate(0), &[0.0]).unwrap();
    let mut series = Series::default();
    for candidate in [1, 0].map(Candidate) {
        monitor
            .record((candidate, &[0.5]), None, 0.0, &mut series)
            .unwrap();
    }
    assert_eq!(series.target_coverage, [0.5, 1.0]);
    assert_eq!(series.target_coverage_with_seeds, [1.0, 1.0]);
    // Both patches are one ramp, so standardised they are one pattern or two by rounding.
    assert_eq!(series.patch_coverage.len(), 2);
    assert_eq!(series.patch_coverage_with_seeds[1], 1.0);
    assert!(series.latent_coverage.is_empty());
    assert!(monitor.seed(Candidate(2), &[0.0]).is_err());
}

/// A grid of 10 × 10 pairs of responses, and of each pair two neighbours in a row.
fn pairs() -> (Candidates, Map, FurtherTarget) {
    let candidates = Candidates::new(13, 23, 4).unwrap();
    let map = |of: fn(usize, usize) -> usize| {
        let values = (0..13 * 23).map(|n| of(n / 23, n % 23) as f64);
        Map::uncalibrated(13, 23, values.collect(), "response")
    };
    let first = map(|_, column| column / 2);
    let further = FurtherTarget {
        name: "other".to_owned(),
        units: String::new(),
        truth: Some(map(|row, _| row)),
    };
    (candidates, first, further)
}

fn spaces(candidates: Candidates) -> Spaces {
    let image = |n: usize| (n as f64).sin();
    let values = (0..candidates.height() * candidates.width()).map(image);
    let image = Map::uncalibrated(
        candidates.height(),
        candidates.width(),
        values.collect(),
        "waves",
    );
    let patches = image.patches(candidates.window()).unwrap();
    Spaces::new(&patches, None, &crate::spaces::Cache::none()).unwrap()
}

/// Oracle: the distinct clusters among the visits, counted one by one.
#[test]
fn clusters_of_several_responses_are_counted_step_by_step() {
    let (candidates, first, further) = pairs();
    let truth = |map: &Map| at_candidates(map, candidates).unwrap();
    let columns = [truth(&first), truth(further.truth.as_ref().unwrap())];
    let groups = crate::spaces::response_groups(&columns.each_ref().map(Vec::as_slice)).unwrap();
    assert!(groups.occupied() > 50, "{}", groups.occupied());

    let further = [further];
    let mut monitor = Monitor::of_several(Some(&first), &further, candidates).unwrap();
    let mut series = Series::default();
    let order = [0, 1, 2, 40, 41, 199, 100, 2].map(Candidate);
    let mut step = |monitor: &mut Monitor, candidate| {
        monitor
            .record((candidate, &[0.0, 0.0]), None, 0.0, &mut series)
            .unwrap();
        series.clone()
    };
    // Without spaces there are no clusters.
    let before = step(&mut monitor, order[0]);
    assert!(before.response_cluster_coverage.is_empty());
    monitor.judge_in(&spaces(candidates)).unwrap();
    monitor.seed(Candidate(150), &[0.0, 0.0]).unwrap();
    let mut visited = vec![groups.labels()[150]];
    for (n, &candidate) in order.iter().enumerate().skip(1) {
        let series = step(&mut monitor, candidate);
        visited.push(groups.labels()[candidate.index()]);
        let share = |visited: &[u32]| {
            let distinct: std::collections::HashSet<_> = visited.iter().collect();
            distinct.len() as f64 / groups.occupied() as f64
        };
        assert!(series.response_cluster_coverage[0].is_nan());
        let (steps, all) = (
            &series.response_cluster_coverage,
            &series.response_cluster_coverage_with_seeds,
        );
        assert_eq!((steps.len(), all.len()), (n + 1, n + 1));
        assert_eq!((steps[n], all[n]), (share(&visited[1..]), share(&visited)));
    }
    // Another truth has other clusters, and what is sought alone has none; steps keep their places.
    let alone = Judgement {
        truth: Some(&first),
        ..Judgement::default()
    };
    monitor.restart(alone, &[], &[]).unwrap();
    let series = step(&mut monitor, order[0]);
    assert_eq!(series.response_cluster_coverage.len(), order.len() + 1);
    assert!(series.response_cluster_coverage[order.len()].is_nan());
    let text = serde_json::to_string(&series).unwrap();
    let read: Series = serde_json::from_str(&text).unwrap();
    assert!(read.response_cluster_coverage[0].is_nan());
}

/// Cells and clusters of what can be measured are those without the pixels that cannot.
#[test]
fn pixels_without_data_move_no_group() {
    let (candidates, first, further) = pairs();
    let holes = |map: &Map| {
        let mut map = map.clone();
        let absent = |n: &usize| n / 23 < 6 || *n == 150;
        for n in (0..map.values.len()).filter(absent) {
            map.values[n] = f64::NAN;
        }
        map
    };
    let (first, truth) = (holes(&first), further.truth.as_ref().map(holes));
    let known = |map: &Map| at_candidates(map, candidates).unwrap();
    let columns = [known(&first), known(truth.as_ref().unwrap())];
    let places: Vec<usize> = (0..candidates.count())
        .filter(|&n| columns.iter().all(|of| of[n].is_finite()))
        .collect();
    assert!(places.len() < candidates.count() - 40);
    let alone = columns.map(|of| places.iter().map(|&n| of[n]).collect::<Vec<f64>>());
    let alone = alone.each_ref().map(Vec::as_slice);
    let expected = crate::metrics::vector_groups(&alone, TARGET_BINS).unwrap();

    let further = FurtherTarget { truth, ..further };
    let further = std::slice::from_ref(&further);
    let monitor = Monitor::of_several(Some(&first), further, candidates).unwrap();
    let groups = monitor.target().unwrap();
    assert_eq!(groups.occupied(), expected.occupied());
    for (&place, label) in places.iter().zip(expected.labels()) {
        assert_eq!(groups.labels()[place], *label);
    }
}

/// By hand: of two responses each axis has 10 cells.
#[test]
fn without_a_truth_coverage_of_several_responses_is_that_of_their_cells() {
    let (candidates, _, further) = pairs();
    let further = [FurtherTarget {
        truth: None,
        ..further
    }];
    let mut monitor = Monitor::of_several(None, &further, candidates).unwrap();
    let mut series = Series::default();
    monitor.seed(Candidate(0), &[5.0, 1.0]).unwrap();
    for responses in [
        [5.0, 1.0],
        [5.0, 3.0],
        [6.0, 1.0],
        // Each value is known, and the pair is new.
        [6.0, 3.0],
        [f64::NAN, 2.0],
        [5.01, 1.01],
    ] {
        let step = (Candidate(1), &responses[..]);
        monitor.record(step, None, 0.0, &mut series).unwrap();
    }
    let cells = [1.0, 2.0, 3.0, 4.0, 4.0, 4.0];
    assert_eq!(series.observed_coverage, cells.map(|cells| cells / 100.0));
}

#[test]
fn figures_that_are_not_known_at_every_step_stay_beside_their_steps() {
    let truth = Map::uncalibrated(4, 5, (0..20).map(f64::from).collect(), "ramp");
    let candidates = Candidates::new(4, 5, 4).unwrap();
    let mut monitor = Monitor::new(Some(&truth), candidates).unwrap();
    let mut series = Series::default();
    let posterior = Posterior {
        mean: vec![1.0; candidates.count()],
        variance: vec![1.0; candidates.count()],
        noise: 0.0,
    };
    let further = |units: &str| FurtherTarget {
        name: "component:2/2".to_owned(),
        units: units.to_owned(),
        truth: None,
    };
    for (known, units) in [
        (false, ""),
        (true, "counts"),
        (false, ""),
        (true, "√counts"),
    ] {
        let judgement = Judgement {
            truth: known.then_some(&truth),
            further: &[further(units)],
            ..Judgement::default()
        };
        monitor.restart(judgement, &[], &[]).unwrap();
        let point = (Candidate(0), &[1.0, 0.0][..]);
        monitor
            .record(point, Some(&posterior), 0.0, &mut series)
            .unwrap();
        let surrogates = vec![posterior.clone(); usize::from(known)];
        monitor.record_further(&surrogates, &mut series).unwrap();
    }
    let known = [false, true, false, true];
    for figures in [
        &series.mae,
        &series.nlpd,
        &series.target_coverage,
        &series.target_coverage_with_seeds,
    ] {
        assert_eq!(
            figures.iter().map(|of| of.is_finite()).collect::<Vec<_>>(),
            known
        );
    }
    assert_eq!(series.further[0].units, "√counts");
    assert_eq!(series.further[0].mae.len(), 4);
    let read: Series = serde_json::from_str(&serde_json::to_string(&series).unwrap()).unwrap();
    assert!(read.target_coverage[0].is_nan() && read.coverage() == series.coverage());
}

#[test]
fn a_component_that_was_never_learnt_is_told_at_no_step() {
    let candidates = Candidates::new(4, 5, 4).unwrap();
    let further = FurtherTarget {
        name: "component:2/2".to_owned(),
        units: String::new(),
        truth: None,
    };
    let mut monitor = Monitor::of_several(None, &[further], candidates).unwrap();
    let mut series = Series::default();
    monitor
        .record((Candidate(0), &[1.0, 0.0]), None, 0.0, &mut series)
        .unwrap();
    monitor.record_further(&[], &mut series).unwrap();
    assert_eq!(series.further, []);
}
