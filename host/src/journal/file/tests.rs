use super::*;

fn record(n: u64) -> Record {
    Record {
        at_ms: 1_700_000_000_000 + n,
        elapsed_ms: n,
        event: Event::Failed {
            why: "x".repeat(n as usize % 7),
        },
    }
}

/// A record over three sectors or more.
fn long_record() -> Record {
    let why = "y".repeat(1500);
    Record {
        event: Event::Failed { why },
        ..record(0)
    }
}

/// A journal of records 0 to `count`, in a folder that lasts as long as it is kept.
fn journal(count: u64) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut journal = Journal::begin(&path, &record(0)).unwrap();
    for n in 1..count {
        journal.append(&record(n)).unwrap();
    }
    (folder, path)
}

fn records(found: &Found) -> Vec<Record> {
    found.records.iter().map(|(_, r)| r.clone()).collect()
}

#[test]
fn what_was_appended_is_found_again_in_order_and_by_its_place() {
    let (_folder, path) = journal(9);
    let mut found = Journal::open(&path).unwrap();
    assert_eq!(records(&found), (0..9).map(record).collect::<Vec<_>>());
    assert_eq!(found.torn, 0);
    let places: Vec<Place> = found.records.iter().map(|(place, _)| *place).collect();
    assert_eq!(found.journal.read(places[4]).unwrap(), Some(record(4)));
    let place = found.journal.append(&record(9)).unwrap();
    assert_eq!(found.journal.read(place).unwrap(), Some(record(9)));
    assert_eq!(Journal::open(&path).unwrap().records.len(), 10);
}

#[test]
fn a_journal_is_there_with_its_first_record_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    // As a kill leaves it, in the middle of something longer.
    std::fs::write(folder.path().join("journal.new"), [7; 4000]).unwrap();
    let error = Journal::open(&path).unwrap_err();
    assert!(matches!(error, JournalError::NotAJournal { .. }), "{error}");
    let mut journal = Journal::begin(&path, &record(0)).unwrap();
    assert!(!folder.path().join("journal.new").exists());
    assert_eq!(records(&Journal::open(&path).unwrap()), [record(0)]);
    journal.append(&record(1)).unwrap();
    let found = Journal::open(&path).unwrap();
    assert_eq!(records(&found), [record(0), record(1)]);
}

#[test]
fn a_journal_cut_anywhere_keeps_every_complete_record_and_goes_on() {
    let (_folder, path) = journal(6);
    let whole = std::fs::read(&path).unwrap();
    let ends: Vec<u64> = {
        let found = Journal::open(&path).unwrap();
        let starts = found.records.iter().map(|(place, _)| place.offset);
        starts.skip(1).chain([whole.len() as u64]).collect()
    };
    for length in 16..=whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let mut found = Journal::open(&path).unwrap();
        let complete = ends.iter().filter(|&&end| end <= length as u64).count();
        assert_eq!(found.records.len(), complete, "cut at {length}");
        found.journal.append(&record(99)).unwrap();
        let again = Journal::open(&path).unwrap();
        assert_eq!(again.torn, 0);
        assert_eq!(records(&again)[complete], record(99));
    }
    for length in 0..16 {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = Journal::open(&path).unwrap_err();
        assert!(matches!(error, JournalError::NotAJournal { .. }));
    }
}

#[test]
fn a_last_record_that_reached_the_disk_in_part_is_moved_aside() {
    let (_folder, path) = journal(5);
    let aside = path.with_file_name("journal.torn");
    // Grown, but nothing of the content arrived.
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, [&whole[..], &[0; 300]].concat()).unwrap();
    let found = Journal::open(&path).unwrap();
    assert_eq!((found.records.len(), found.torn), (5, 300));
    assert_eq!(std::fs::read(&aside).unwrap(), [0; 300]);

    // A record over several sectors, of which the last ones did not arrive.
    let mut journal = Journal::open(&path).unwrap().journal;
    let start = journal.append(&long_record()).unwrap().offset as usize;
    let whole = std::fs::read(&path).unwrap();
    for sectors in 1..=(whole.len() / 512) {
        let hole = sectors * 512;
        let mut torn = whole.clone();
        torn[hole..].fill(0);
        std::fs::write(&path, &torn).unwrap();
        std::fs::remove_file(&aside).unwrap();
        let found = Journal::open(&path).unwrap();
        assert_eq!(found.records.len(), 5, "from {hole}");
        assert_eq!(std::fs::read(&aside).unwrap(), torn[start..]);
        assert_eq!(std::fs::read(&path).unwrap(), whole[..start]);
    }
    // The next one that is torn does not take its place.
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let kept = std::fs::read(&aside).unwrap();
    Journal::open(&path).unwrap();
    let both = [&kept[..], &whole[start..whole.len() - 1]].concat();
    assert_eq!(std::fs::read(&aside).unwrap(), both);
}

#[test]
fn a_last_record_that_was_written_and_altered_since_is_named_and_stays() {
    let (_folder, path) = journal(5);
    let mut journal = Journal::open(&path).unwrap().journal;
    let place = journal.append(&long_record()).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for at in place.offset as usize..whole.len() {
        let mut altered = whole.clone();
        altered[at] ^= 0x10;
        std::fs::write(&path, &altered).unwrap();
        let error = Journal::open(&path).unwrap_err();
        let JournalError::Altered { record, offset, .. } = error else {
            panic!("byte {at}: {error}");
        };
        assert_eq!((record, offset), (5, place.offset), "byte {at}");
        assert_eq!(std::fs::read(&path).unwrap(), altered);
    }
    assert!(!path.with_file_name("journal.torn").exists());
}

#[test]
fn any_changed_byte_is_noticed() {
    let (_folder, path) = journal(6);
    let whole = std::fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut altered = whole.clone();
        altered[at] ^= 0x10;
        std::fs::write(&path, altered).unwrap();
        let error = Journal::open(&path).unwrap_err();
        let expected = match at {
            0..15 => matches!(error, JournalError::NotAJournal { .. }),
            15 => matches!(error, JournalError::Version { found: 0x12, .. }),
            _ => matches!(error, JournalError::Altered { .. }),
        };
        assert!(expected, "byte {at}: {error}");
    }
}

#[test]
fn a_record_taken_out_is_noticed() {
    let (_folder, path) = journal(6);
    let whole = std::fs::read(&path).unwrap();
    let found = Journal::open(&path).unwrap();
    let (from, to) = (
        found.records[2].0.offset as usize,
        found.records[3].0.offset as usize,
    );
    let without = [&whole[..from], &whole[to..]].concat();
    std::fs::write(&path, without).unwrap();
    let message = Journal::open(&path).unwrap_err().to_string();
    assert!(message.contains("record 2") && message.contains(&format!("byte {from}")));
}

#[test]
fn a_record_that_was_changed_since_is_not_read_again() {
    let (_folder, path) = journal(6);
    let whole = std::fs::read(&path).unwrap();
    let mut found = Journal::open(&path).unwrap();
    let (place, next) = (found.records[3].0, found.records[4].0.offset as usize);
    for at in place.offset as usize..next {
        let mut altered = whole.clone();
        altered[at] ^= 0x10;
        std::fs::write(&path, altered).unwrap();
        let error = found.journal.read(place).unwrap_err();
        let JournalError::Altered { record, offset, .. } = error else {
            panic!("byte {at}: {error}");
        };
        assert_eq!((record, offset), (3, place.offset));
    }
    // Cut off meanwhile.
    std::fs::write(&path, &whole[..next - 1]).unwrap();
    let error = found.journal.read(place).unwrap_err();
    assert!(matches!(error, JournalError::Altered { .. }), "{error}");
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(found.journal.read(place).unwrap(), Some(record(3)));
}

#[test]
fn no_spectrum_is_read_where_nothing_was_measured() {
    let (_folder, path) = journal(2);
    let mut found = Journal::open(&path).unwrap();
    let error = found.journal.spectrum(found.records[1].0).unwrap_err();
    assert!(
        matches!(error, JournalError::Altered { record: 1, .. }),
        "{error}"
    );
}

#[test]
fn the_hash_is_that_of_the_file() {
    let (_folder, path) = journal(3);
    let mut found = Journal::open(&path).unwrap();
    let digest = Sha256::digest(std::fs::read(&path).unwrap());
    let digits: Vec<_> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let digits = digits.concat();
    assert_eq!(found.journal.hash().unwrap(), digits);
    found.journal.append(&record(3)).unwrap();
    assert_ne!(found.journal.hash().unwrap(), digits);
}

#[test]
fn nobody_else_s_file_is_overwritten_or_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes");
    std::fs::write(&path, "these are my notes, not yours").unwrap();
    assert!(matches!(
        Journal::begin(&path, &record(0)).unwrap_err(),
        JournalError::File { .. }
    ));
    let kept = std::fs::read_to_string(&path).unwrap();
    assert_eq!(kept, "these are my notes, not yours");
    let message = Journal::open(&path).unwrap_err().to_string();
    assert!(message.contains("no journal"), "{message}");
}

#[test]
fn a_record_of_a_later_program_is_named_as_that_and_not_called_altered() {
    let (_folder, path) = journal(2);
    let end = Journal::open(&path).unwrap().journal.end();
    // Times, and an event whose number nobody has given away yet.
    let payload = [0, 0, 120];
    let length = payload.len() as u32;
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    for bytes in [
        &length.to_le_bytes()[..],
        &(!length).to_le_bytes(),
        &checksum(end.chain, length, &payload).to_le_bytes(),
        &payload,
    ] {
        file.write_all(bytes).unwrap();
    }
    let mut read = Journal::open(&path);
    let opened = read.as_mut().err().map(|error| error.to_string());
    let followed = crate::journal::Follower::new(&path).poll().unwrap_err();
    // A journal that was open before.
    let mut open = Journal {
        file: File::open(&path).unwrap(),
        ..Journal::empty(&path.with_extension("other"), tempfile::tempfile().unwrap()).unwrap()
    };
    let again = open.read(end).unwrap_err();
    let spectrum = open.spectrum(end).unwrap_err();
    for said in [
        opened.unwrap(),
        followed.to_string(),
        again.to_string(),
        spectrum.to_string(),
    ] {
        let expected =
            "record 2 is of a kind that this program does not know: go on with the program";
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn what_is_torn_stays_until_somebody_goes_on_with_the_journal() {
    let (_folder, path) = journal(3);
    let whole = std::fs::read(&path).unwrap();
    let torn = [&whole[..], &[5, 0, 0]].concat();
    std::fs::write(&path, &torn).unwrap();
    let mut found = Journal::inspect(&path).unwrap();
    let aside = path.with_file_name("journal.torn");
    assert_eq!((found.records.len(), found.torn), (3, 3));
    assert!(std::fs::read(&path).unwrap() == torn && !aside.exists());
    found.mend().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    assert_eq!(std::fs::read(&aside).unwrap(), [5, 0, 0]);
    // Once.
    found.mend().unwrap();
    assert_eq!(std::fs::read(&aside).unwrap(), [5, 0, 0]);
}

#[test]
fn a_file_that_may_not_grow_is_a_full_disk() {
    for kind in [io::ErrorKind::StorageFull, io::ErrorKind::FileTooLarge] {
        let error = failed(Path::new("journal"), "written", kind.into());
        assert!(matches!(error, JournalError::Full { .. }), "{error}");
    }
}
