//! What ends a campaign or keeps it from beginning: dose, time, coverage, settings that do not fit.

use std::time::Duration;

use beacon_host::campaign::{Ended, pixel_area};
use beacon_host::microscope::Microscope as _;
use beacon_tests::live::{begin, settings};
use beacon_tests::unreliable::{Mishap, Unreliable};

use super::failures::failed;
use super::{SPECIMEN, column, folder, undisturbed};

#[test]
fn no_dose_limit_is_ever_broken() {
    let free = undisturbed(SPECIMEN);
    // Enough for about half of the points, dead time and overview included.
    let limit = free.summary.dose_electrons / 2.0;
    let half = undisturbed(&format!("{SPECIMEN} --dose-limit {limit}"));
    assert!(
        matches!(half.outcome.ended, Ended::Dose(_)),
        "{:?}",
        half.outcome.ended
    );
    assert!(half.summary.dose_electrons <= limit);
    assert!(half.summary.dose_electrons > 0.9 * limit);
    let points = half.summary.positions.len();
    assert!((15..25).contains(&points), "{points}");
    assert_eq!(half.trajectory(), free.trajectory()[..points]);
    let ended = half.summary.campaign.warnings.join("\n");
    assert!(ended.contains("a dose limit was reached"), "{ended}");
}

#[test]
fn a_point_that_would_take_too_much_is_left_out_and_others_are_measured() {
    let free = undisturbed(SPECIMEN);
    let area = {
        let mut microscope = column(&mut settings(SPECIMEN));
        let image = microscope.overview().unwrap();
        pixel_area(&image.rows, &image.columns).unwrap().get()
    };
    // One exposure of a point is allowed; the second, after a failure, is not.
    let each = free.summary.dose_electrons / 41.0 / area;
    let limit = 1.6 * each;
    let (_kept, path) = folder();
    let mut config = settings(&format!("{SPECIMEN} --pixel-dose-limit {limit}"));
    let mut microscope = Unreliable::new(column(&mut config), |at| {
        (at == 23).then(|| Mishap::Before(failed()))
    });
    let ran = begin(&mut microscope, config, &path).unwrap();
    assert_eq!(ran.outcome.ended, Ended::Budget);
    let (points, expected) = (ran.trajectory(), free.trajectory());
    assert_eq!(points.len(), 40);
    assert_eq!(points[..22], expected[..22]);
    assert!(!points.contains(&expected[22]));
    let mut warnings = ran.summary.campaign.warnings.iter();
    assert!(warnings.any(|warning| warning.contains("was left out")));
}

#[test]
fn time_and_coverage_end_a_campaign_in_order() {
    let (_kept, path) = folder();
    let mut config = settings(&format!("{SPECIMEN} --time-limit 1s"));
    let mut microscope = Unreliable::new(column(&mut config), |_| {
        std::thread::sleep(Duration::from_millis(60));
        None
    });
    let ran = begin(&mut microscope, config, &path).unwrap();
    assert_eq!(ran.outcome.ended, Ended::Time);
    let points = ran.summary.positions.len();
    // None where a busy machine takes the second for the first overview.
    assert!(points <= 17, "{points}");
    // Half of a campaign at random finds something at nearly every point; none for ever.
    let ran = undisturbed("--microscope specimen --budget 400 --stall-after 3 --retrain-every 500");
    assert!(
        matches!(ran.outcome.ended, Ended::Stalled(_)),
        "{:?}",
        ran.outcome.ended
    );
    assert!(ran.summary.positions.len() < 400);
}

#[test]
fn settings_that_do_not_fit_are_refused_before_anything_is_written() {
    for (arguments, said) in [
        ("--dwell 0", "dwell is 0; expected"),
        ("--drift-every 0", "drift-every is 0"),
        ("--scalarizer line:U-Ka", "axis `Energy` runs over"),
        ("--scalarizer loop-height", "needs a bias sweep"),
        (
            "--reduce controller --target plasmon-height:2..3",
            "reduce is controller",
        ),
        ("--dose-limit 1000", "the overview takes too much"),
        ("--stall-after 0", "stall-after is 0"),
        ("--most-failures 0", "most-failures is 0"),
        ("--beta nan", "beta is NaN: expected 0 or more"),
        ("--k 0", "k is 0: expected 1 or more"),
        ("--window 3", "window is 3; expected 4 to 64 pixels"),
        ("--window 65", "window is 65; expected 4 to 64 pixels"),
        ("--learning-rate nan", "learning_rate is NaN"),
        ("--warm-learning-rate 0", "warm_learning_rate is 0"),
        ("--noise-floor 0", "noise_floor is 0"),
    ] {
        let (_kept, path) = folder();
        let config = settings(&format!("{SPECIMEN} {arguments}"));
        let mut microscope = column(&mut settings(SPECIMEN));
        let error = begin(&mut microscope, config, &path)
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{arguments}: {error}");
        assert!(!path.join("journal").exists());
    }
}
