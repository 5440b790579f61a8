//! Instruments that fail, and spectra that cannot be used.

use beacon_host::campaign::Ended;
use beacon_host::microscope::MicroscopeError;
use beacon_tests::live::{begin, resume, settings};
use beacon_tests::unreliable::{Mishap, Unreliable};

use super::{SPECIMEN, column, folder, undisturbed};

pub(super) fn failed() -> MicroscopeError {
    MicroscopeError::Failed {
        call: "acquire".to_owned(),
        message: "the gun emits nothing".to_owned(),
    }
}

fn timed_out() -> MicroscopeError {
    MicroscopeError::TimedOut {
        address: "127.0.0.1:9".to_owned(),
        call: "acquire".to_owned(),
        seconds: 0.1,
    }
}

#[test]
fn an_instrument_that_fails_is_blanked_found_again_and_loses_nothing() {
    let undisturbed = undisturbed(SPECIMEN);
    let (_kept, path) = folder();
    let mut config = settings(SPECIMEN);
    let mut microscope = Unreliable::new(column(&mut config), |at| match at {
        4 | 17 => Some(Mishap::Before(failed())),
        25 => Some(Mishap::After(timed_out())),
        _ => None,
    });
    let ran = begin(&mut microscope, config, &path).unwrap();
    assert_eq!(ran.trajectory(), undisturbed.trajectory());
    assert_eq!(microscope.reconnected, 3);
    assert!(!microscope.unblanked);
    let said = |what: &str| ran.said.iter().filter(|said| said.contains(what)).count();
    assert_eq!(said("the gun emits nothing; the beam is blanked"), 2);
    assert_eq!(said("did not answer"), 1);
    // And when it is over, that is said as well, with where the beam is.
    let over = ran.said.iter();
    let over = over.filter(|said| said.starts_with("the instrument answers again after "));
    let over: Vec<_> = over.collect();
    assert_eq!(over.len(), 3, "{over:?}");
    let blanked = |said: &&String| said.ends_with(" s; the beam is blanked");
    assert!(over.iter().all(blanked), "{over:?}");
    // What was exposed in vain counts.
    let extra = ran.summary.dose_electrons - undisturbed.summary.dose_electrons;
    let each = undisturbed.summary.dose_electrons / 41.0;
    assert!(extra > 0.5 * each, "{extra} {each}");
}

#[test]
fn an_instrument_that_fails_for_good_ends_the_campaign_with_what_there_is() {
    let (_kept, path) = folder();
    let mut config = settings(&format!("{SPECIMEN} --patience 0.3"));
    let mut microscope = Unreliable::new(column(&mut config), |at| {
        (at > 21).then(|| Mishap::Before(failed()))
    });
    let ran = begin(&mut microscope, config, &path).unwrap();
    let Ended::Instrument(why) = &ran.outcome.ended else {
        panic!("{:?}", ran.outcome.ended);
    };
    assert!(why.contains("the gun emits nothing"), "{why}");
    assert_eq!(ran.summary.positions.len(), 21);
    assert!(!microscope.unblanked);
    // Mended, it goes on as if nothing had been.
    let mut microscope = column(&mut settings(SPECIMEN));
    let again = resume(&mut microscope, &path).unwrap();
    let undisturbed = undisturbed(SPECIMEN);
    assert_eq!(again.trajectory(), undisturbed.trajectory());
}

#[test]
fn a_spectrum_that_is_given_up_ends_the_campaign_which_goes_on_with_it() {
    let (_kept, path) = folder();
    let mut config = settings(SPECIMEN);
    let aborted = MicroscopeError::Aborted {
        call: "acquire".to_owned(),
        beam: "the beam is blanked".to_owned(),
    };
    let mishap = |at| (at == 22).then(|| Mishap::Before(aborted.clone()));
    let mut microscope = Unreliable::new(column(&mut config), mishap);
    let ran = begin(&mut microscope, config, &path).unwrap();
    assert_eq!(ran.outcome.ended, Ended::Interrupted);
    assert_eq!(ran.summary.positions.len(), 21);
    assert_eq!((microscope.asked, microscope.reconnected), (22, 0));
    assert!(!microscope.unblanked);
    let mut microscope = column(&mut settings(SPECIMEN));
    let again = resume(&mut microscope, &path).unwrap();
    let undisturbed = undisturbed(SPECIMEN);
    assert_eq!(again.trajectory(), undisturbed.trajectory());
    // Nobody knows how much of it the sample has taken: it counts as announced.
    let extra = again.summary.dose_electrons - undisturbed.summary.dose_electrons;
    let each = undisturbed.summary.dose_electrons / 41.0;
    assert!(extra > 0.5 * each, "{extra} {each}");
}

#[test]
fn points_that_cannot_be_used_are_left_out_and_too_many_in_a_row_end_a_campaign() {
    let undisturbed = undisturbed(SPECIMEN);
    let (_kept, path) = folder();
    let mut config = settings(SPECIMEN);
    let mut microscope = Unreliable::new(column(&mut config), |at| match at {
        14 => Some(Mishap::Length(7)),
        19 => Some(Mishap::Length(0)),
        _ => None,
    });
    let ran = begin(&mut microscope, config, &path).unwrap();
    assert_eq!(ran.outcome.ended, Ended::Budget);
    assert_eq!(ran.trajectory().len(), 40);
    assert!(!microscope.unblanked);
    let warnings = ran.summary.campaign.warnings.join("\n");
    assert!(
        warnings.contains("its spectrum has 7 channels; expected 2048"),
        "{warnings}"
    );
    // Their dose counts.
    assert!(ran.summary.dose_electrons > 1.02 * undisturbed.summary.dose_electrons);
    let (_kept, path) = folder();
    let mut config = settings(&format!("{SPECIMEN} --most-failures 4"));
    let mut microscope = Unreliable::new(column(&mut config), |at| {
        (at > 21).then_some(Mishap::Length(7))
    });
    let ran = begin(&mut microscope, config, &path).unwrap();
    let Ended::Unusable(why) = &ran.outcome.ended else {
        panic!("{:?}", ran.outcome.ended);
    };
    assert!(
        why.contains("4 points in a row") && why.contains("7 channels"),
        "{why}"
    );
    assert_eq!((ran.trajectory().len(), microscope.asked), (21, 25));
}
