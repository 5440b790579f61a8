//! Spectra reduced on the host or on the controller: equal to the last bit, for every pixel.

use beacon_host::controller::{Controller as _, ControllerError, InProcess, Memory, Setup};
use beacon_host::internal::specimen::{Specimen, SpecimenKind};
use beacon_host::scalarizer::Scalarizer;
use beacon_kernel::link::message::{Campaign, Measurement, Next, Refusal};
use beacon_kernel::link::scalarizer as kernel;
use beacon_kernel::link::transfer::{Encoding, Payload, Sender};
use beacon_kernel::link::{Client, Timing};
use beacon_kernel::{Candidate, Candidates, Capacity};
use beacon_tests::{ControllerMemory, Rig};

const WINDOW: usize = 4;

/// A candidate with its spectrum, as it travels.
struct Point {
    candidate: Candidate,
    spectrum: Vec<f32>,
}

/// Every candidate of a specimen's image.
fn points(specimen: &dyn Specimen) -> (Vec<Point>, Vec<f32>) {
    let image = specimen.image();
    let candidates = candidates(specimen);
    let points = (0..candidates.count()).map(|n| {
        let candidate = Candidate(n as u32);
        let pixel = candidates.pixel(candidate).unwrap();
        let spectrum = specimen.spectrum(pixel.row, pixel.column);
        let spectrum = spectrum.into_iter().map(|value| value as f32).collect();
        Point {
            candidate,
            spectrum,
        }
    });
    let pixels = image.values.iter().map(|&value| value as f32).collect();
    (points.collect(), pixels)
}

/// What the host makes of a spectrum, whose values are those that travelled.
fn on_host(scalarizer: &Scalarizer, specimen: &dyn Specimen, spectrum: &[f32]) -> f64 {
    let spectrum: Vec<f64> = spectrum.iter().copied().map(f64::from).collect();
    let reduced = scalarizer.reduce(&spectrum, specimen.coordinates(), specimen.channels());
    reduced.unwrap()
}

fn on_controller(scalarizer: &Scalarizer, specimen: &dyn Specimen) -> kernel::Scalarizer {
    let form = scalarizer.on_controller(specimen.coordinates(), specimen.channels());
    form.unwrap_or_else(|| panic!("{scalarizer} has a form for the controller"))
}

fn candidates(specimen: &dyn Specimen) -> Candidates {
    let image = specimen.image();
    Candidates::new(image.height(), image.width(), WINDOW).unwrap()
}

fn capacity(specimen: &dyn Specimen, points: usize) -> Capacity {
    Capacity::for_candidates(candidates(specimen), points)
}

fn setup<'a>(specimen: &dyn Specimen, pixels: &'a [f32]) -> Setup<'a> {
    Setup {
        candidates: candidates(specimen),
        pixels,
        seed: 1,
        revision: 0,
    }
}

const OF_SPECIMENS: [(SpecimenKind, &[&str]); 2] = [
    (
        SpecimenKind::Nanoparticles,
        &[
            "line:Pd-La",
            "lines:Pd",
            "line:Au-Ma@linear",
            "window:2.7..3@two-window",
            "sum",
        ],
    ),
    (
        SpecimenKind::Plasmonic,
        &["window:0.26..0.38", "window:0.26..0.38@linear"],
    ),
];

#[test]
fn the_kernel_in_this_process_takes_what_the_host_would_have_given_it() {
    for (kind, scalarizers) in OF_SPECIMENS {
        let specimen = kind.config(1).make().unwrap();
        let (points, pixels) = points(&*specimen);
        let mut memory = Memory::new(capacity(&*specimen, points.len()));
        let mut kernel = InProcess::new(&mut memory).unwrap();
        for text in scalarizers {
            let scalarizer: Scalarizer = text.parse().unwrap();
            kernel.begin(&setup(&*specimen, &pixels)).unwrap();
            let origin = on_host(&scalarizer, &*specimen, &points[0].spectrum);
            let form = on_controller(&scalarizer, &*specimen);
            kernel.reduce_with(Some(form), origin).unwrap();
            for Point {
                candidate,
                spectrum,
            } in &points
            {
                let expected = (on_host(&scalarizer, &*specimen, spectrum) - origin) as f32;
                let taken = kernel.measure_spectrum(*candidate, spectrum).unwrap();
                assert_eq!(
                    taken.to_bits(),
                    expected.to_bits(),
                    "{text} at {candidate:?}"
                );
            }
        }
    }
}

/// Over the link as it is spoken, controller and all.
#[test]
fn a_controller_takes_what_the_host_would_have_given_it() {
    let specimen = SpecimenKind::Nanoparticles.config(1).make().unwrap();
    let (points, pixels) = points(&*specimen);
    let scalarizer: Scalarizer = "line:Pd-La".parse().unwrap();
    let origin = on_host(&scalarizer, &*specimen, &points[0].spectrum);
    let mut memory = ControllerMemory::new(capacity(&*specimen, points.len()));
    let mut client = Client::new(Rig::new(memory.controller()), Timing::default(), 7);
    client.connect().unwrap();
    let image = specimen.image();
    let campaign = Campaign {
        id: 1,
        seed: 1,
        height: image.height() as u16,
        width: image.width() as u16,
        window: WINDOW as u16,
    };
    let shape = Payload::Image {
        height: campaign.height,
        width: campaign.width,
    };
    let sender = Sender::new(shape, Encoding::F32, &pixels).unwrap();
    client.begin(campaign, &sender).unwrap();
    client
        .scalarize(on_controller(&scalarizer, &*specimen))
        .unwrap();
    client.set_origin(origin).unwrap();
    let mut expected = Vec::new();
    for point in &points {
        let payload = Payload::Spectrum {
            candidate: point.candidate.0,
            channels: point.spectrum.len() as u16,
        };
        let sender = Sender::new(payload, Encoding::F32, &point.spectrum).unwrap();
        client.measure_spectrum(&sender, Next::Nothing).unwrap();
        let response = on_host(&scalarizer, &*specimen, &point.spectrum);
        expected.push((point.candidate.0, ((response - origin) as f32).to_bits()));
    }
    let mut listed = Vec::new();
    client
        .measurements(0, |Measurement { candidate, value }| {
            listed.push((candidate, value.to_bits()));
        })
        .unwrap();
    assert_eq!(listed, expected);
}

#[test]
fn spectra_that_cannot_be_reduced_are_refused_and_nothing_is_measured() {
    let specimen = SpecimenKind::Nanoparticles.config(1).make().unwrap();
    let (points, pixels) = points(&*specimen);
    let mut memory = Memory::new(capacity(&*specimen, 8));
    let mut kernel = InProcess::new(&mut memory).unwrap();
    let setup = setup(&*specimen, &pixels);
    kernel.begin(&setup).unwrap();
    let Point {
        candidate,
        spectrum,
    } = &points[0];
    let message = |result: Result<f32, ControllerError>| result.unwrap_err().to_string();
    let without = ControllerError::Spectrum(Refusal::NoScalarizer);
    assert_eq!(
        kernel.measure_spectrum(*candidate, spectrum),
        Err(without.clone())
    );
    let form = kernel::Scalarizer {
        signal: kernel::Window { start: 0, end: 100 },
        background: None,
    };
    assert!(kernel.reduce_with(Some(form), f64::NAN).is_err());
    let empty = kernel::Window { start: 5, end: 5 };
    let empty = kernel::Scalarizer {
        signal: empty,
        ..form
    };
    assert!(kernel.reduce_with(Some(empty), 0.0).is_err());
    kernel.reduce_with(Some(form), 0.0).unwrap();
    assert_eq!(
        message(kernel.measure_spectrum(*candidate, &spectrum[..99])),
        "window of the scalarizer is out of range: the limit is 99"
    );
    assert_eq!(
        message(kernel.measure_spectrum(*candidate, &vec![1.0; 65_536])),
        "65536 values do not fit: there is room for 65535"
    );
    // None of it counted: the candidate can still be measured, once.
    kernel.measure_spectrum(*candidate, spectrum).unwrap();
    assert!(kernel.measure_spectrum(*candidate, spectrum).is_err());
    kernel.begin(&setup).unwrap();
    assert_eq!(kernel.measure_spectrum(*candidate, spectrum), Err(without));
}
