//! Campaigns that are resumed from journals cut anywhere, altered, or of an earlier version.

use std::fs;
use std::path::Path;

use beacon_host::campaign::{ALGORITHM, Event};
use beacon_host::internal::journal::{Journal, RunFolder};
use beacon_host::{LiveError, TakenUp};
use beacon_tests::live::{resume, settings};

use super::{SPECIMEN, Written, column, folder, opened, run};

/// Cuts the journal of a whole campaign everywhere between two records, and in the middle of
/// some, and goes on from each.
fn goes_on_from_everywhere(arguments: &str) {
    let (_kept, path) = folder();
    let whole = run(arguments, &path);
    let journal = Written::read(&path);
    let places: Vec<usize> = journal.records.iter().map(|record| record.0).collect();
    let cuts = places.iter().skip(1).step_by(7);
    let torn = places.iter().skip(3).step_by(19).map(|place| place + 5);
    let mut tried = 0;
    for cut in cuts.copied().chain(torn).chain([journal.bytes.len()]) {
        let (_kept, path) = journal.cut(cut);
        let mut microscope = opened(&mut settings(arguments));
        let again = resume(&mut *microscope, &path).unwrap();
        assert_eq!(again.trajectory(), whole.trajectory(), "cut at {cut}");
        let (a, b) = (&again.summary, &whole.summary);
        assert_eq!(a.positions, b.positions, "cut at {cut}");
        assert_eq!(a.position_errors, b.position_errors, "cut at {cut}");
        assert_eq!(a.drift, b.drift, "cut at {cut}");
        assert_eq!(a.campaign.series.mae, b.campaign.series.mae, "cut at {cut}");
        tried += 1;
    }
    assert!(tried > 10, "{tried} cuts");
}

#[test]
fn a_campaign_goes_on_from_wherever_it_was_killed() {
    goes_on_from_everywhere(SPECIMEN);
}

#[test]
fn so_does_one_with_drift_damage_and_limits() {
    goes_on_from_everywhere(
        "--microscope specimen --budget 40 --drift-every 5 --drift 1.5 --drift-walk 0.5 \
         --damage-dose 3e5 --dose-limit 1e12",
    );
}

#[test]
fn another_instrument_or_another_program_is_not_gone_on_with() {
    let (_kept, path) = folder();
    let whole = run(SPECIMEN, &path);
    let mut other = settings("--microscope specimen:plasmonic --budget 40");
    let mut microscope = opened(&mut other);
    let error = resume(&mut *microscope, &path).unwrap_err();
    assert!(
        matches!(error, LiveError::OtherInstrument { .. }),
        "{error}"
    );
    // A journal that says otherwise than what is decided: two points exchanged.
    let file = path.join("journal");
    let records = Journal::open(&file).unwrap().records;
    fs::remove_file(&file).unwrap();
    let mut journal = Journal::begin(&file, &records[0].1).unwrap();
    for (_, mut record) in records.into_iter().skip(1) {
        if let Event::Measured(measured) = &mut record.event
            && measured.candidate == whole.outcome.seeds[3].candidate.0
        {
            measured.candidate += 1;
        }
        journal.append(&record).unwrap();
    }
    drop(journal);
    let mut microscope = column(&mut settings(SPECIMEN));
    let failure = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        resume(&mut microscope, &path)
    }));
    let message = failure.unwrap_err();
    let message = message
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_default();
    assert!(message.contains("the journal has candidate"), "{message}");
}

/// A journal that a program of version 1 of the format wrote: 28 points on data of whole numbers,
/// with a strategy, an exclusion, a point and a target that a person asked for. It is read; that
/// program decides otherwise than this one, which does not go on with it and leaves it as it is.
#[test]
fn a_journal_of_version_1_is_read_and_not_gone_on_with() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("recorded/journal-version-1");
    let recorded = fs::read(recorded).unwrap();
    let (_kept, path) = folder();
    fs::create_dir(&path).unwrap();
    let file = path.join("journal");
    fs::write(&file, &recorded).unwrap();
    let found = Journal::open(&file).unwrap();
    let count =
        |which: fn(&Event) -> bool| found.records.iter().filter(|r| which(&r.1.event)).count();
    assert_eq!(found.version, 1);
    assert_eq!(count(|event| matches!(event, Event::Measured(_))), 28);
    assert_eq!(count(|event| matches!(event, Event::Commanded(_))), 4);
    let refused = TakenUp::read(&RunFolder::resume(&path).unwrap()).unwrap_err();
    let said = refused.to_string();
    let revisions = format!("revision 2 of what decides, this program's is {ALGORITHM}");
    assert!(said.contains(&revisions), "{said}");
    assert!(
        said.contains("go on with a program of revision 2"),
        "{said}"
    );
    assert_eq!(fs::read(&file).unwrap(), recorded);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
}

#[test]
fn what_was_learned_spares_the_trainings_and_changes_nothing() {
    let (_kept, path) = folder();
    let arguments = "--microscope specimen --budget 30 --retrain-every 1";
    let whole = run(arguments, &path);
    let journal = Written::read(&path);
    let learned = fs::read(path.join("learned")).unwrap();
    let (place, _) = journal.records[journal.records.len() - 12];
    let mut damaged = learned.clone();
    damaged[40] ^= 1;
    for kept in [Some(&learned), Some(&damaged), None] {
        let (_kept, path) = journal.cut(place);
        if let Some(kept) = kept {
            fs::write(path.join("learned"), kept).unwrap();
        }
        let mut microscope = opened(&mut settings(arguments));
        let again = resume(&mut *microscope, &path).unwrap();
        assert_eq!(again.trajectory(), whole.trajectory());
        let (a, b) = (
            &again.summary.campaign.series,
            &whole.summary.campaign.series,
        );
        assert_eq!((&a.mae, &a.nlpd), (&b.mae, &b.nlpd));
    }
}
