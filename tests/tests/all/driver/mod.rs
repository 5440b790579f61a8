//! What the firmware's commands do to a scan generator's pins: the driver and the model of the
//! generator at two ends of a line, in virtual time.

mod campaign;
mod driven;

use beacon_firmware::obi::Driver;
use beacon_generator::{CYCLES_PER_COUNT, Detector, Front, Reader};
use beacon_kernel::link::message::BeamFault;
use driven::{Driven, Line, MICROSECOND, MILLISECOND, counts};

const FRONTS: [(Front, Reader); 2] = [(Front::Uart, Reader::Uart), (Front::Direct, Reader::Direct)];
/// The longest dwell of one pixel, 450 µs, in clock cycles.
const PIXEL: u64 = 450 * MICROSECOND;

fn whole() -> Driven {
    Driven::new(Front::Uart, Reader::Uart)
}

/// Dwells from 8 µs to 60 s, evenly spread over their logarithm, with settling times of all kinds.
fn hundred_exposures() -> impl Iterator<Item = (u32, u32, (u16, u16))> {
    const SETTLE_US: [u32; 6] = [0, 1, 10, 449, 8191, 9000];
    (0..100_u32).map(|n| {
        let dwell_us = 8.0 * (60e6_f64 / 8.0).powf(f64::from(n) / 99.0);
        let settle_us = SETTLE_US[n as usize % SETTLE_US.len()];
        let place = ((n * 163) as u16 & 0x3fff, (n * 7919) as u16 & 0x3fff);
        (settle_us, dwell_us.round() as u32, place)
    })
}

#[test]
fn a_hundred_exposures_are_on_for_their_dwell_and_nowhere_else() {
    for (front, reader) in FRONTS {
        let mut driven = Driven::new(front, reader);
        let (mut worst, mut longest, mut slowest) = (0, 0, 0.0_f64);
        for (settle_us, dwell_us, (x, y)) in hundred_exposures() {
            if front == Front::Direct && dwell_us > 1_000_000 {
                // Nothing is different there, and it takes long.
                break;
            }
            let begun = driven.generator.now();
            driven.expose((x, y), settle_us, dwell_us);
            let took = driven.finish(2 * 60_000 * MILLISECOND).expect("it ends");
            driven.run(MILLISECOND);
            assert_eq!(driven.outcome(), Ok(()));
            let stays = driven.stays();
            let [stay] = stays[..] else {
                panic!("one stay for {dwell_us} µs: {stays:?}");
            };
            assert_eq!((stay.x, stay.y), (x, y));
            let error = counts(stay.on).abs_diff(u64::from(dwell_us) * 8);
            worst = worst.max(error);
            longest = longest.max(stay.longest);
            // Blanked for as long as it was to settle.
            let settled = stay.first - begun;
            assert!(settled >= u64::from(settle_us) * MICROSECOND, "{settled}");
            if dwell_us > 100_000 {
                let dwell = f64::from(dwell_us) * MICROSECOND as f64;
                slowest = slowest.max((took - settled) as f64 / dwell);
            }
            assert_eq!(driven.record().moved(), 0);
            driven.record().clear();
        }
        println!(
            "{front:?}: {worst} counts off at most, {} µs on without a pause, {slowest:.4} times \
             the dwell in all",
            longest as f64 / MICROSECOND as f64
        );
        assert!(worst <= 1, "{worst} counts off");
        assert!(longest <= PIXEL);
        if front == Front::Uart {
            // Pauses of 27 µs behind every 450 µs.
            assert!((1.060..1.0615).contains(&slowest), "{slowest}");
        }
    }
}

#[test]
fn a_dwell_begins_when_settling_is_over_whichever_of_them_is_long() {
    for (settle_us, dwell_us) in [
        (8_000, 9_000),
        (8_191, 20_000),
        (9_000, 20),
        (30_000, 30_000),
    ] {
        let mut driven = whole();
        driven.expose((100, 200), settle_us, dwell_us);
        driven.finish(1000 * MILLISECOND).expect("it ends");
        let stays = driven.stays();
        let on: u64 = stays.iter().map(|stay| stay.on).sum();
        let asked = u64::from(dwell_us) * MICROSECOND;
        assert!(
            on.abs_diff(asked) <= CYCLES_PER_COUNT,
            "{settle_us} {dwell_us}: {on}"
        );
    }
}

/// How long the beam is on after an event at every 7 µs of an exposure of 3 ms; the longest in
/// clock cycles, where the pins are followed for so long afterwards.
fn on_after(event: impl Fn(&mut Driven), afterwards: u64) -> u64 {
    let mut longest = 0;
    for at in (0..4 * MILLISECOND).step_by(7 * MICROSECOND as usize) {
        let mut driven = whole();
        driven.expose((4000, 5000), 300, 3000);
        driven.run(at);
        event(&mut driven);
        let then = driven.generator.now();
        driven.run(afterwards);
        let stays = driven.stays();
        assert!(!driven.record().beam_on(), "on for ever after {at}");
        let last = stays.iter().map(|stay| stay.last).max().unwrap_or(0);
        longest = longest.max(last.saturating_sub(then));
    }
    longest
}

fn microseconds(cycles: u64) -> f64 {
    cycles as f64 / MICROSECOND as f64
}

#[test]
fn blanking_at_any_instant_takes_effect_within_a_millisecond_and_for_good() {
    let longest = on_after(Driven::blank, 50 * MILLISECOND);
    println!("blanked: on for {} µs more at most", microseconds(longest));
    // Two pixels that were on their way, and what blanks behind them.
    assert!(longest > 0 && longest <= 909 * MICROSECOND, "{longest}");
}

#[test]
fn a_generator_that_nobody_reads_never_keeps_the_beam_on() {
    for front in [Front::Uart, Front::Direct] {
        // One more than there are: nothing stops.
        let (_, answers) = bytes_of(|driven| driven.expose((1, 2), 100, 5000));
        for read in 0..=answers {
            let mut driven = Driven::new(front, Reader::Direct);
            driven.generator.set_reader(Reader::StopsAfter(read));
            driven.expose((1, 2), 100, 5000);
            driven.run(700 * MILLISECOND);
            assert!(!driven.record().beam_on(), "{front:?}, {read} bytes read");
            let stays = driven.stays();
            let on: u64 = stays.iter().map(|stay| stay.on).sum();
            assert!(on <= 5000 * MICROSECOND);
            assert!(stays.iter().all(|stay| stay.longest <= PIXEL));
            if driven.outcome().is_ok() {
                assert_eq!(on, 5000 * MICROSECOND, "said to be whole");
            } else {
                assert_eq!(driven.ready(), Err(BeamFault::Silent));
                driven.generator.set_reader(Reader::Direct);
                driven.run(700 * MILLISECOND);
                assert_eq!(driven.ready(), Ok(()), "it is found again");
            }
        }
    }
}

/// Bytes that an exposure sends, and gets.
fn bytes_of(expose: impl Fn(&mut Driven)) -> (u64, u64) {
    let mut driven = whole();
    let before = driven.bytes();
    expose(&mut driven);
    driven.finish(10 * MILLISECOND).expect("it ends");
    let after = driven.bytes();
    (after.0 - before.0, after.1 - before.1)
}

#[test]
fn a_reset_at_any_byte_blanks_within_a_millisecond_and_goes_on() {
    let expose = |driven: &mut Driven| driven.expose((4000, 5000), 100, 1500);
    let (mut longest, (bytes, _)) = (0, bytes_of(expose));
    for after in 0..bytes {
        let mut driven = whole();
        driven.reset_after(after);
        expose(&mut driven);
        driven.run(5 * MILLISECOND);
        assert!(
            !driven.record().beam_on(),
            "on after a reset at byte {after}"
        );
        let on = driven.stays().iter().map(|stay| stay.longest).max();
        longest = longest.max(on.unwrap_or(0));
        driven.run(40 * MILLISECOND);
        assert_eq!(driven.ready(), Ok(()), "after a reset at byte {after}");
        driven.record().clear();
        driven.expose((40, 50), 0, 777);
        driven.finish(10 * MILLISECOND).expect("it ends");
        let stays = driven.stays();
        let on: Vec<_> = stays
            .iter()
            .map(|stay| (stay.x, stay.y, counts(stay.on)))
            .collect();
        assert_eq!(on, [(40, 50, 777 * 8)]);
    }
    println!(
        "reset at {bytes} bytes: on for {} µs at most",
        microseconds(longest)
    );
    assert!(longest <= 514 * MICROSECOND, "{longest}");
}

#[test]
fn a_line_cut_at_any_byte_blanks_unless_the_byte_that_blanks_is_the_first_that_is_lost() {
    let (mut kept_on, mut longest, mut cuts) = (Vec::new(), 0, 0);
    let (bytes, _) = bytes_of(|driven| driven.expose((4000, 5000), 100, 1500));
    for after in 0..bytes {
        let mut driven = whole();
        let (before, _) = driven.bytes();
        driven.forth = Line::CutAfter(before + after);
        driven.expose((4000, 5000), 100, 1500);
        driven.run(2000 * MILLISECOND);
        cuts += 1;
        if driven.record().beam_on() {
            kept_on.push(after);
        } else {
            let on = driven.stays().iter().map(|stay| stay.longest).max();
            longest = longest.max(on.unwrap_or(0));
        }
        if driven.outcome().is_err() {
            assert_eq!(driven.ready(), Err(BeamFault::Silent));
        }
        // Mended, the generator is found and blanked.
        driven.forth = Line::Whole;
        driven.run(1000 * MILLISECOND);
        assert!(!driven.record().beam_on());
        assert_eq!(driven.ready(), Ok(()));
    }
    println!(
        "{cuts} cuts: on for {} µs at most, for good after bytes {kept_on:?}",
        microseconds(longest)
    );
    assert!(longest <= PIXEL, "{longest}");
    // Four pixels of the dwell, each with one such byte.
    assert_eq!(kept_on.len(), 4);
}

#[test]
fn answers_that_do_not_arrive_end_the_exposure_blanked() {
    let mut noticed = 0;
    let (_, answers) = bytes_of(|driven| driven.expose((4000, 5000), 100, 1500));
    for after in 0..answers {
        let mut driven = whole();
        let (_, before) = driven.bytes();
        driven.back = Line::CutAfter(before + after);
        let cut = driven.generator.now();
        driven.expose((4000, 5000), 100, 1500);
        while driven.ready().is_ok() {
            driven.run(MILLISECOND);
            assert!(driven.generator.now() - cut < 2000 * MILLISECOND);
        }
        noticed = noticed.max(driven.generator.now() - cut);
        assert!(!driven.record().beam_on());
        driven.run(2000 * MILLISECOND);
        assert!(!driven.record().beam_on());
        let stays = driven.stays();
        assert!(stays.iter().all(|stay| stay.longest <= PIXEL));
        assert_eq!(driven.ready(), Err(BeamFault::Silent));
        driven.back = Line::Whole;
        driven.run(1000 * MILLISECOND);
        assert_eq!(driven.ready(), Ok(()));
    }
    println!("noticed after {} µs at most", microseconds(noticed));
    assert!(noticed <= 520 * MILLISECOND, "{noticed}");
}

/// Places whose codes are other commands when they are taken for any: 0xd is a scan without an
/// end, 0x8 a row of commands, 0xa and 0xc parts of scans.
const PLACES: [(u16, u16); 6] = [
    (4000, 5000),
    (0x0dd0, 0x0dd0),
    (0x008e, 0x3f8e),
    (0x05a0, 0x10c0),
    (0x3fff, 0x0000),
    (0x0452, 0x0452),
];

#[test]
fn a_byte_that_is_lost_or_damaged_keeps_the_beam_on_for_20_ms_unless_it_hangs_the_generator() {
    let (mut longest, mut tried, mut hung) = (0, 0, Vec::new());
    for place in PLACES {
        for kind in [Line::Loses, Line::Damages] {
            for number in 0..bytes_of(|driven| driven.expose(place, 100, 1500)).0 {
                let mut driven = whole();
                let (before, _) = driven.bytes();
                driven.forth = kind(before + number);
                driven.expose(place, 100, 1500);
                driven.run(1100 * MILLISECOND);
                tried += 1;
                if driven.ready().is_err() {
                    // Scanning without an end, or waiting for half a megabyte: it is noticed, and
                    // nothing but its power helps.
                    hung.push((place, kind(number), driven.record().beam_on()));
                    continue;
                }
                assert!(!driven.record().beam_on(), "{place:x?} {:?}", driven.forth);
                let on = driven.stays().iter().map(|stay| stay.longest).max();
                longest = longest.max(on.unwrap_or(0));
            }
        }
    }
    println!(
        "{tried} bytes lost or damaged: on for {} µs at most; generator hung: {hung:x?}",
        microseconds(longest)
    );
    assert!(longest <= 20 * MILLISECOND, "{longest}");
    let hung_on = hung.iter().filter(|(.., is_on)| *is_on).count();
    assert_eq!((hung.len(), tried, hung_on), (15, 852, 8));
    // No place without such bytes in it.
    assert!(hung.iter().all(|(place, ..)| *place != PLACES[0]));
}

#[test]
fn a_generator_that_is_restarted_is_blanked_again_and_the_exposure_is_not_said_to_be_whole() {
    let mut longest = 0;
    for at in (0..30 * MILLISECOND).step_by(37 * MICROSECOND as usize) {
        let mut driven = whole();
        driven.expose((4000, 5000), 100, 2500);
        driven.run(at);
        let on: u64 = driven.stays().iter().map(|stay| stay.on).sum();
        let was_exposing = on < 2500 * MICROSECOND;
        driven.generator.power_cycle();
        let then = driven.generator.now();
        while !driven.generator.pins().blank_enable {
            driven.run(100 * MICROSECOND);
            assert!(driven.generator.now() - then < 1000 * MILLISECOND);
        }
        longest = longest.max(driven.generator.now() - then);
        driven.run(1000 * MILLISECOND);
        assert!(!driven.record().beam_on());
        assert_eq!(driven.ready(), Ok(()));
        if was_exposing {
            assert!(driven.outcome().is_err(), "restarted at {at}");
        }
    }
    println!(
        "restarted: taken over again after {} µs at most",
        microseconds(longest)
    );
    assert!(longest <= 525 * MILLISECOND);

    // Nothing was exposed: the next question finds it, unless the restart has lost one.
    let mut after = Vec::new();
    for at in (0..25 * MILLISECOND).step_by(999 * MICROSECOND as usize) {
        let mut driven = whole();
        driven.run(at);
        driven.generator.power_cycle();
        let then = driven.generator.now();
        while !driven.generator.pins().blank_enable {
            driven.run(100 * MICROSECOND);
            assert!(driven.generator.now() - then < 1000 * MILLISECOND);
        }
        after.push(driven.generator.now() - then);
        assert!(!driven.record().beam_on());
    }
    let late = after.iter().filter(|after| **after > 21 * MILLISECOND);
    println!(
        "idle: {} of {} after more than 21 ms",
        late.clone().count(),
        after.len()
    );
    assert!(late.clone().count() <= 2 && late.max() <= Some(&(525 * MILLISECOND)));
}

/// A controller that is late leaves the generator idle between two pixels.
#[test]
fn a_restart_within_the_time_that_a_late_controller_leaves_loses_no_command_and_has_no_beam() {
    let mut unnoticed = 0;
    for at in (300 * MICROSECOND..9 * MILLISECOND).step_by(53 * MICROSECOND as usize) {
        let mut driven = whole();
        driven.reaction = MILLISECOND;
        driven.expose((4000, 5000), 100, 2500);
        driven.run(at);
        let before: u64 = driven.stays().iter().map(|stay| stay.on).sum();
        driven.generator.power_cycle();
        driven.run(1000 * MILLISECOND);
        assert!(!driven.record().beam_on());
        let after: u64 = driven.stays().iter().map(|stay| stay.on).sum();
        if driven.outcome().is_ok() && before < 2500 * MICROSECOND {
            unnoticed += 1;
            assert!(after - before <= PIXEL, "{before} {after}");
        }
    }
    assert!(unnoticed > 0);
}

#[test]
fn an_absent_generator_and_one_of_another_protocol_are_told_apart() {
    let mut driven = whole();
    driven.forth = Line::CutAfter(0);
    driven.run(1000 * MILLISECOND);
    assert_eq!(driven.ready(), Err(BeamFault::Silent));

    // Something at the other end of the line that says what nobody asked for.
    let mut driver = Driver::new(driven::SHORTEST_DWELL_US);
    for _ in 0..1000 {
        driver.tick();
        for byte in [0xff, 0xff, 0x12, 0x34] {
            driver.receive(byte);
        }
    }
    assert_eq!(driver.ready(), Err(BeamFault::Strange));
}

/// A detector that tells places apart.
fn detector() -> Detector {
    Detector::new(|x, y| (x / 2).wrapping_add(3 * y) & 0x1fff)
}

#[test]
fn the_reading_of_an_exposure_is_what_the_detector_sees_there_while_the_beam_is_on() {
    for (front, reader) in FRONTS {
        let mut driven = Driven::new(front, reader);
        driven.generator.set_detector(detector());
        for (settle_us, dwell_us, (x, y)) in hundred_exposures() {
            if dwell_us > 100_000 {
                break;
            }
            driven.expose((x, y), settle_us, dwell_us);
            assert_eq!(driven.reading(), None, "not over");
            driven.finish(1000 * MILLISECOND).expect("it ends");
            let reading = driven.reading().expect("a reading");
            let seen = (x / 2).wrapping_add(3 * y) & 0x1fff;
            assert_eq!(reading.value.to_bits(), f32::from(seen).to_bits());
            assert!(!reading.saturated && !reading.overflowed);
        }
    }
}

#[test]
fn samples_that_look_like_the_mark_are_read_as_they_are() {
    // Any byte of the mark in front of it or in a sample.
    for sample in [0x00ff, 0x12ff, 0x3eff, 0x3f00, 0x3ffe, 0x0001] {
        let mut driven = whole();
        driven
            .generator
            .set_detector(Detector::new(move |_, _| sample));
        for dwell_us in [8, 449, 2000] {
            driven.expose((5, 6), 10, dwell_us);
            driven.finish(1000 * MILLISECOND).expect("it ends");
            assert_eq!(driven.outcome(), Ok(()), "{sample:x}");
            let reading = driven.reading().expect("a reading");
            assert_eq!(reading.value.to_bits(), f32::from(sample).to_bits());
        }
    }
}

#[test]
fn a_converter_at_its_end_is_told_and_an_exposure_cut_short_has_no_reading() {
    let mut driven = whole();
    driven
        .generator
        .set_detector(Detector::new(|x, _| if x < 100 { 0xffff } else { 7 }));
    driven.expose((5, 6), 10, 1000);
    driven.finish(1000 * MILLISECOND).expect("it ends");
    assert!(driven.reading().expect("a reading").saturated);
    driven.expose((500, 6), 10, 1000);
    driven.finish(1000 * MILLISECOND).expect("it ends");
    assert!(!driven.reading().expect("a reading").saturated);
    for at in (0..1100).step_by(50) {
        driven.expose((500, 6), 10, 1000);
        driven.run(at * MICROSECOND);
        driven.blank();
        driven.run(10 * MILLISECOND);
        assert_eq!(driven.reading(), None, "blanked after {at} µs");
        // Its samples belong to no exposure after it.
        driven.expose((5, 6), 10, 1000);
        driven.run(at * MICROSECOND);
        driven.blank();
        driven.finish(1000 * MILLISECOND).expect("it ends");
        driven.expose((500, 6), 10, 900);
        driven.finish(1000 * MILLISECOND).expect("it ends");
        assert!(!driven.reading().expect("a reading").saturated);
        assert_eq!(
            driven.reading().expect("a reading").value.to_bits(),
            7.0_f32.to_bits()
        );
    }
}

#[test]
fn a_reading_that_lost_a_byte_is_none_and_the_exposure_is_said_to_be_cut() {
    let (_, answers) = bytes_of(|driven| driven.expose((4000, 5000), 100, 1500));
    for kind in [Line::Loses, Line::Damages] {
        for number in 0..answers {
            let mut driven = whole();
            driven.generator.set_detector(detector());
            let (_, before) = driven.bytes();
            driven.back = kind(before + number);
            driven.expose((4000, 5000), 100, 1500);
            driven.run(1100 * MILLISECOND);
            let seen = f32::from((4000_u16 / 2 + 3 * 5000) & 0x1fff);
            match driven.reading() {
                // A bit of a sample: the line has no checksum.
                Some(reading) if kind(0) == Line::Damages(0) => {
                    assert!((reading.value - seen).abs() < 128.0);
                }
                Some(reading) => assert_eq!(reading.value.to_bits(), seen.to_bits()),
                None => assert!(
                    driven.outcome().is_err(),
                    "{kind:?} {number}",
                    kind = kind(number)
                ),
            }
            assert!(!driven.record().beam_on());
        }
    }
}
