//! What the generator is known to do, in short streams with figures worked out by hand: a count
//! is 6 cycles of 48 MHz, a byte on the line 307.2 cycles.

use beacon_generator::{CYCLES_PER_COUNT, Front, Generator, Reader};

/// Blank, which takes a few cycles, external control, electron beam, Synchronize with cookie 0x1234.
const START: &[u8] = &[0x51, 0x51, 0x51, 0x51, 0x31, 0x41, 0x00, 0x12, 0x34];

fn vector(x: u16, y: u16, dwell: u16) -> Vec<u8> {
    let words = [x, y, dwell].map(u16::to_be_bytes);
    [&[0xe0], words.as_flattened()].concat()
}

/// Sends bytes at once and runs for a time; returns for every pulse of the beam its place and its
/// length in counts, `None` while it lasts.
fn pulses(generator: &mut Generator, bytes: &[u8], cycles: u64) -> Vec<((u16, u16), Option<u64>)> {
    for byte in bytes {
        generator.send(*byte);
    }
    let until = generator.now() + cycles;
    let mut pulses = Vec::new();
    let mut since = generator.pins().beam_on().then(|| generator.now());
    while generator.run_until(until) {
        let (pins, now) = (generator.pins(), generator.now());
        match (since, pins.beam_on()) {
            (None, true) => {
                since = Some(now);
                pulses.push(((pins.x, pins.y), None));
            }
            (Some(start), false) => {
                since = None;
                if let Some(last) = pulses.last_mut() {
                    last.1 = Some((now - start) / CYCLES_PER_COUNT);
                }
            }
            _ => {}
        }
    }
    pulses
}

fn started(front: Front, reader: Reader) -> Generator {
    let mut generator = Generator::new(front, reader);
    let pulses = pulses(&mut generator, START, 50_000);
    assert!(pulses.is_empty(), "{pulses:?}");
    generator
}

fn output(generator: &mut Generator) -> Vec<u8> {
    std::iter::from_fn(|| generator.receive().map(|(_, byte)| byte)).collect()
}

#[test]
fn synchronize_is_answered_by_a_mark_and_its_cookie() {
    for front in [Front::Direct, Front::Uart] {
        let mut generator = started(front, Reader::Uart);
        assert_eq!(output(&mut generator), [0xff, 0xff, 0x12, 0x34]);
    }
}

#[test]
fn no_beam_is_on_until_one_is_selected() {
    let mut generator = Generator::new(Front::Direct, Reader::Direct);
    let bytes = [
        &[0x51, 0x31, 0x00, 0, 0, 0x50],
        &vector(1, 2, 99)[..],
        &[0x51],
    ]
    .concat();
    assert!(pulses(&mut generator, &bytes, 10_000).is_empty());
    let pins = generator.pins();
    assert!(pins.electron_blank && pins.ion_blank && pins.blank_enable);
}

#[test]
fn a_pulse_between_inline_unblank_and_blank_is_its_dwell_code_in_counts() {
    for front in [Front::Direct, Front::Uart] {
        let mut generator = started(front, Reader::Uart);
        for counts in [64, 65, 100, 3200] {
            let bytes = [&[0x52], &vector(7, 9, counts)[..], &[0x51]].concat();
            let found = pulses(&mut generator, &bytes, 50_000);
            assert_eq!(found, [((7, 9), Some(counts.into()))], "{front:?}");
        }
    }
}

#[test]
fn a_pixel_of_dwell_code_n_holds_the_pipeline_for_n_plus_one_counts() {
    let mut generator = started(Front::Direct, Reader::Direct);
    let bytes = [
        &[0x50],
        &vector(1, 1, 9)[..],
        &vector(2, 2, 19),
        &vector(3, 3, 29),
    ]
    .concat();
    for byte in bytes {
        generator.send(byte);
    }
    let until = generator.now() + 1000;
    let mut moves = Vec::new();
    let mut code = generator.pins().x;
    while generator.run_until(until) {
        if generator.pins().x != code {
            code = generator.pins().x;
            moves.push(generator.now());
        }
    }
    let counts: Vec<u64> = moves
        .windows(2)
        .map(|m| (m[1] - m[0]) / CYCLES_PER_COUNT)
        .collect();
    assert_eq!(counts, [10, 20]);
}

#[test]
fn the_byte_that_blanks_is_the_floor_of_a_pulse_over_the_line() {
    let mut generator = started(Front::Uart, Reader::Uart);
    let bytes = [&[0x52], &vector(7, 9, 8)[..], &[0x51]].concat();
    let found = pulses(&mut generator, &bytes, 50_000);
    // 307.2 cycles are 51.2 counts; both ends fall on whole ones.
    assert!(matches!(found[..], [(_, Some(50..=52))]), "{found:?}");
}

#[test]
fn blanking_waits_for_the_pixels_before_it() {
    let mut generator = started(Front::Uart, Reader::Uart);
    let bytes = [&[0x52], &vector(7, 9, 0xffff)[..]].concat();
    assert_eq!(pulses(&mut generator, &bytes, 48_000), [((7, 9), None)]);
    generator.send(0x51);
    generator.run_until(generator.now() + 40_000);
    assert!(generator.pins().beam_on());
    assert!(generator.run_until(generator.now() + 400_000));
    assert!(!generator.pins().beam_on());
}

#[test]
fn the_shortest_pixel_has_the_dwell_of_the_one_before() {
    let mut generator = started(Front::Direct, Reader::Direct);
    let bytes = [&vector(1, 1, 99)[..], &[0x52, 0xf0, 0, 5, 0, 6, 0x51]].concat();
    assert_eq!(pulses(&mut generator, &bytes, 10_000), [((5, 6), Some(99))]);
}

#[test]
fn output_that_nobody_takes_leaves_the_beam_on() {
    // The cookie is taken, and then nothing.
    let mut generator = started(Front::Direct, Reader::StopsAfter(4));
    let pixel = [
        &[0x51],
        &vector(1, 2, 99)[..],
        &[0x50],
        &vector(1, 2, 99),
        &[0x51],
    ]
    .concat();
    let bytes = pixel.repeat(4);
    let found = pulses(&mut generator, &bytes, 1_000_000);
    assert_eq!(found.last(), Some(&((1, 2), None)));
}

#[test]
fn a_byte_that_finds_the_fifo_full_is_lost() {
    let mut generator = started(Front::Uart, Reader::Uart);
    let bytes = [vector(1, 2, 0xffff), vector(3, 4, 9), vec![0x51; 24]].concat();
    pulses(&mut generator, &bytes, 1_000_000);
    // The second pixel waits in the executor, one Blank in the parser, sixteen in the FIFO.
    assert_eq!(generator.lost(), 24 - 17);
}

#[test]
fn a_minute_of_dwelling_is_skipped_and_a_count_is_not() {
    let mut generator = started(Front::Uart, Reader::Uart);
    let begun = std::time::Instant::now();
    let mut on = 0;
    for _ in 0..60_000 {
        let bytes = [&[0x52], &vector(1, 2, 8000)[..], &[0x51]].concat();
        let found = pulses(&mut generator, &bytes, 52_000);
        let [(_, Some(counts))] = found[..] else {
            panic!("one pulse: {found:?}");
        };
        on += counts;
    }
    assert_eq!(on, 60 * 8_000_000);
    println!("a minute took {:?}", begun.elapsed());
}

#[test]
fn power_that_fails_gives_the_beam_back_to_the_column() {
    let mut generator = started(Front::Uart, Reader::Uart);
    pulses(&mut generator, &[0x52], 1000);
    generator.power_cycle();
    assert!(!generator.pins().blank_enable);
}
