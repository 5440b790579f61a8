//! Files of every format, spoilt in every way: none of them ends the program, whatever it says.
//!
//! A few in every run; `BEACON_MUTATIONS=100000 cargo test --package beacon-host --lib mutations` tries as
//! many. `BEACON_MUTATION_SEED` chooses which, 1 otherwise; a failure names both.

use std::io::Cursor;
use std::time::{Duration, Instant};

use super::instrument_samples as instruments;
use super::samples::{CYCLE, FILTERS, LATEST, LINKS, TYPES, VAST, bytes};
use super::testing::{npy, nsid_file};
use super::{Wanted, locations, open};

/// What the values of a file may take here.
const MEMORY: u64 = 32 << 20;

/// Knuth's generator: which file is spoilt how.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end.max(1)
    }
}

fn tiff() -> Vec<u8> {
    use ::tiff::encoder::{TiffEncoder, colortype};
    let mut file = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).unwrap();
    encoder
        .write_image::<colortype::Gray16>(3, 2, &[1, 2, 3, 4, 5, 6])
        .unwrap();
    encoder
        .write_image::<colortype::Gray32Float>(2, 2, &[1.0; 4])
        .unwrap();
    file.into_inner()
}

fn npz() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let deflated = zip::write::SimpleFileOptions::default();
    for (name, shape) in [("a", vec![2, 3]), ("b", vec![1, 2, 3])] {
        archive.start_file(format!("{name}.npy"), deflated).unwrap();
        crate::data::npy::write(&mut archive, &shape, (0..6).map(f64::from)).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn spoil(whole: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..=chance.below(3) {
        let at = chance.below(bytes.len());
        match chance.below(7) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, chance.below(256) as u8),
            2 => {
                let end = (at + 1 + chance.below(8)).min(bytes.len());
                bytes[at..end].fill(0xff);
            }
            3 => {
                let from = chance.below(bytes.len());
                let length = chance.below(16).min(bytes.len() - from.max(at));
                bytes.copy_within(from..from + length, at);
            }
            4 => {
                let end = (at + 1 + chance.below(64)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => bytes[at] = chance.below(256) as u8,
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

#[test]
fn no_file_ends_the_program_however_it_is_spoilt() {
    let number = |name: &str, default: u64| {
        let said = std::env::var(name).ok();
        said.map_or(default, |said| said.parse().unwrap())
    };
    let (count, seed) = (
        number("BEACON_MUTATIONS", 400),
        number("BEACON_MUTATION_SEED", 1),
    );
    let sources = [
        ("a.npy", npy("<f8", false, "2, 3", &[0; 48])),
        ("a.npz", npz()),
        ("a.tif", tiff()),
        ("nsid.h5", nsid_file()),
        ("links.h5", bytes(LINKS)),
        ("types.h5", bytes(TYPES)),
        ("latest.h5", bytes(LATEST)),
        ("vast.h5", bytes(VAST)),
        ("cycle.h5", bytes(CYCLE)),
        ("filters.h5", bytes(FILTERS)),
        ("a.hspy", super::hyperspy::testing::signal([1, 1, 0])),
        ("a.dat", bytes(FILTERS)),
        ("a.dm3", instruments::digital_micrograph(3)),
        ("a.dm4", instruments::digital_micrograph(4)),
        ("velox.emd", instruments::velox()),
        ("berkeley.emd", instruments::berkeley()),
        ("a.nxs", instruments::nexus()),
        ("a.h5oina", instruments::h5oina()),
        ("a.sxm", instruments::nanonis_scan()),
        ("a.3ds", instruments::nanonis_grid()),
        ("a.ibw", instruments::igor()),
        ("a.rpl", instruments::ripple().0),
    ];
    let mut chance = Chance(seed);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.raw"), instruments::ripple().1).unwrap();
    let mut slowest = Duration::ZERO;
    for i in 0..count {
        let (name, whole) = &sources[chance.below(sources.len())];
        let spoilt = spoil(whole, &mut chance);
        let file = folder.path().join(name);
        std::fs::write(&file, &spoilt).unwrap();
        let location = file.to_string_lossy().into_owned();
        let begun = Instant::now();
        let ended = std::panic::catch_unwind(|| {
            let mut all = locations(&location).unwrap_or_default();
            all.truncate(4);
            for location in all.iter().chain([&location]) {
                let _ = open(location, Wanted::Any).and_then(|signal| signal.read(MEMORY));
            }
        });
        slowest = slowest.max(begun.elapsed());
        if ended.is_err() {
            let kept = std::env::temp_dir().join(format!("mutation-{seed}-{i}-{name}"));
            std::fs::write(&kept, &spoilt).unwrap();
            panic!(
                "file {i} of seed {seed} ends the program; it is kept as {}",
                kept.display()
            );
        }
    }
    println!("{count} files of seed {seed}, the slowest read in {slowest:?}");
}
