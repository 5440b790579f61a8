//! Frames on a bad line: nothing damaged passes, and one zero later all is well again.

use beacon_kernel::link::frame::{
    Decoder, FrameKind, Header, MAX_BODY, MAX_FRAME, MAX_RAW, TooLong, encode,
};
use beacon_kernel::link::message::{
    Activation, Beam, Campaign, Exposed, Followed, Health, Identity, KernelError, LinkStatistics,
    Measured, Measurement, ModelHeader, OtherHost, Phase, Prediction, Proposal, Proposed, Refusal,
    Reply, Request, Status,
};
use beacon_kernel::link::transfer::{Descriptor, Encoding, Kind, Payload, Progress};
use beacon_tests::every_message::{identities, kernel_errors, refusals, replies, requests};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro128PlusPlus;
use serde::Serialize;

fn frame(kind: FrameKind, sequence: u16, message: &impl Serialize, raw: &[u8]) -> Vec<u8> {
    let header = Header {
        version: 1,
        kind,
        sequence,
    };
    let mut out = vec![0x55; MAX_FRAME];
    let length = encode(header, message, raw, &mut out).unwrap();
    out.truncate(length);
    out
}

fn decoder() -> Decoder<[u8; MAX_BODY]> {
    Decoder::new([0x55; MAX_BODY])
}

/// Every intact frame in a stream: sequence number and content.
fn frames(decoder: &mut Decoder<[u8; MAX_BODY]>, bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut found = Vec::new();
    for &byte in bytes {
        if decoder.push(byte) {
            let frame = decoder.frame().unwrap();
            found.push((frame.header.sequence, frame.content.to_vec()));
        }
    }
    found
}

fn every_frame() -> Vec<Vec<u8>> {
    let requests = requests()
        .into_iter()
        .map(|(request, raw)| frame(FrameKind::Request, 7, &request, &raw));
    let replies = replies()
        .into_iter()
        .map(|(reply, raw)| frame(FrameKind::Reply, 7, &reply, &raw));
    requests.chain(replies).collect()
}

#[test]
fn every_single_bit_flip_in_every_frame_is_rejected_and_the_next_frame_arrives() {
    let good = frame(FrameKind::Request, 8, &Request::Status, &[]);
    let mut flips = 0;
    for original in every_frame() {
        for bit in 0..8 * original.len() {
            let mut damaged = original.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let mut decoder = decoder();
            let found = frames(&mut decoder, &damaged);
            assert_eq!(found, [], "bit {bit} of {original:02x?}");
            let next = frames(&mut decoder, &good);
            assert_eq!(next.len(), 1, "bit {bit}");
            assert_eq!(next[0].0, 8);
            flips += 1;
        }
    }
    println!("{flips} single-bit flips rejected");
}

#[test]
fn every_truncation_of_every_frame_is_rejected_and_the_next_frame_arrives() {
    let good = frame(FrameKind::Request, 8, &Request::Status, &[]);
    for original in every_frame() {
        for length in 0..original.len() - 1 {
            let mut decoder = decoder();
            assert_eq!(frames(&mut decoder, &original[..length]), []);
            let next = frames(&mut decoder, &good);
            assert_eq!(next.len(), 1, "{length} of {original:02x?}");
        }
    }
}

#[test]
fn after_an_overflow_the_decoder_waits_for_a_zero() {
    let mut decoder = decoder();
    let good = frame(FrameKind::Request, 8, &Request::Status, &[]);
    // The inside of a good frame, without its leading zero, in the middle of a long one.
    let mut stream = vec![0];
    stream.extend(std::iter::repeat_n(0xFF, 3 * MAX_BODY));
    stream.extend(&good[1..good.len() - 1]);
    stream.extend(std::iter::repeat_n(0x01, MAX_BODY));
    assert_eq!(frames(&mut decoder, &stream), []);
    assert_eq!(frames(&mut decoder, &good).len(), 1);
    let counters = decoder.counters();
    assert_eq!((counters.overflows, counters.frames), (1, 1));
    assert_eq!(
        counters.crc_errors + counters.cobs_errors + counters.runts,
        0
    );
}

#[test]
fn every_kind_of_damage_is_counted_as_what_it_is() {
    let good = frame(
        FrameKind::Request,
        8,
        &Request::Measurements { from: 99 },
        &[],
    );
    let count = |bytes: &[u8]| {
        let mut decoder = decoder();
        assert_eq!(frames(&mut decoder, bytes), []);
        decoder.counters()
    };
    let mut crc = good.clone();
    crc[4] ^= 0x40;
    assert_eq!(count(&crc).crc_errors, 1);
    assert_eq!(count(&[0, 9, 1, 1, 0]).cobs_errors, 1);
    assert_eq!(count(&[0, 3, 1, 1, 0]).runts, 1);
    let mut body = vec![1, 99, 0, 0, 1];
    body.extend(
        crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC)
            .checksum(&body)
            .to_le_bytes(),
    );
    let mut kind = [0; 20];
    let length = cobs::encode(&body, &mut kind[1..]);
    assert_eq!(count(&kind[..length + 2]).kind_errors, 1);
    // Zeros between frames are no damage at all.
    assert_eq!(
        count(&[0; 50]),
        beacon_kernel::link::frame::Counters::default()
    );
}

#[test]
fn any_raw_bytes_of_any_length_pass_unchanged() {
    let mut random = Xoshiro128PlusPlus::seed_from_u64(11);
    let mut decoder = decoder();
    for round in 0..4000_u32 {
        // Lengths around the 254-byte blocks of the stuffing come up often.
        let length = match round % 4 {
            0 => 230 + (random.next_u32() % 40) as usize,
            1 => 480 + (random.next_u32() % 40) as usize,
            2 => (random.next_u32() % 9) as usize,
            _ => (random.next_u32() as usize) % (MAX_RAW + 1),
        };
        let zeros = random.next_u32() % 3;
        let raw: Vec<u8> = (0..length)
            .map(|_| match zeros {
                0 => 1 + (random.next_u32() % 255) as u8,
                1 => (random.next_u32() % 2) as u8,
                _ => random.next_u32() as u8,
            })
            .collect();
        let request = Request::Chunk {
            kind: Kind::Image,
            offset: random.next_u32(),
        };
        let sequence = random.next_u32() as u16;
        let bytes = frame(FrameKind::Request, sequence, &request, &raw);
        assert!(!bytes[1..bytes.len() - 1].contains(&0));
        let (rest, complete) = decoder.push_all(&bytes);
        assert!(complete && rest.is_empty());
        let found = decoder.frame().unwrap();
        assert_eq!(found.header.sequence, sequence);
        let (read, rest): (Request, _) = found.message().unwrap();
        assert_eq!((read, rest), (request, raw.as_slice()));
    }
}

#[test]
fn more_than_a_frame_takes_is_refused_before_it_is_sent() {
    let header = Header {
        version: 1,
        kind: FrameKind::Request,
        sequence: 0,
    };
    let request = Request::Status;
    let mut out = [0; MAX_FRAME];
    assert_eq!(
        encode(header, &request, &[1; MAX_RAW + 1], &mut out),
        Err(TooLong)
    );
    assert_eq!(
        encode(header, &request, &[1; 20], &mut out[..20]),
        Err(TooLong)
    );
    assert_eq!(
        encode(header, &[1_u8; 300].as_slice(), &[], &mut out),
        Err(TooLong)
    );
}

/// Every number at its largest, so that each takes the most bytes.
#[test]
#[expect(clippy::too_many_lines, reason = "one line a field")]
fn the_largest_messages_fit() {
    let most = u32::MAX;
    let measurement = Measurement {
        candidate: most,
        value: f32::MAX,
    };
    let proposal = Proposal {
        candidate: most,
        row: u16::MAX,
        column: u16::MAX,
        step: most,
        score: f32::MAX,
        prediction: Some(Prediction {
            mean: f32::MAX,
            sigma: f32::MAX,
        }),
    };
    let refusal = Refusal::Kernel(KernelError::NoCandidates {
        height: most,
        width: most,
        window: most,
    });
    let status = Status {
        uptime_ms: u64::MAX,
        phase: Phase::Ended,
        campaign: Some(Campaign {
            id: most,
            seed: u64::MAX,
            height: u16::MAX,
            width: u16::MAX,
            window: u16::MAX,
        }),
        image_crc: Some(most),
        model: Some(most),
        weights_crc: Some(most),
        measured: most,
        last: Some(measurement),
        pending: Some(proposal),
        exposed: Some(most),
        beam: Beam::On { candidate: most },
        exposures: most,
        dose_us: u64::MAX,
        transfer: Some(Progress {
            descriptor: Descriptor {
                payload: Payload::Spectrum {
                    candidate: most,
                    channels: u16::MAX,
                },
                encoding: Encoding::F16,
                crc: most,
            },
            received: most,
        }),
        link: LinkStatistics {
            frames: most,
            overflows: most,
            cobs_errors: most,
            runts: most,
            crc_errors: most,
            version_errors: most,
            decode_errors: most,
            duplicates: most,
            out_of_sequence: most,
            losses: most,
        },
        health: Health {
            stack_high_water: most,
            stack_size: most,
            static_ram: most,
            lost_bytes: most,
            watchdog_resets: most,
        },
    };
    let identity = Identity {
        board: "x".repeat(24).as_str().try_into().unwrap(),
        build: "x".repeat(48).as_str().try_into().unwrap(),
        clock_hz: most,
        uptime_ms: u64::MAX,
        last_panic: u16::MAX,
        other: Some(OtherHost {
            host: most,
            silent_ms: most,
        }),
        ..identities()[0].clone()
    };
    let measured = Reply::Measured(Measured {
        count: most,
        value: f32::MAX,
        next: Followed::Proposed(Proposed {
            proposal,
            exposure: Exposed::Refused(refusal),
        }),
    });
    let mut longest = 0;
    for length in [
        frame(FrameKind::Reply, 1, &Reply::Status(status), &[]).len(),
        frame(FrameKind::Reply, 1, &measured, &[]).len(),
        frame(FrameKind::Identity, 1, &identity, &[]).len(),
    ] {
        println!("{length} bytes");
        longest = longest.max(length);
    }
    assert!(longest < 256);
    let header = ModelHeader {
        version: most,
        hyperparameters: beacon_tests::Bench::HYPERPARAMETERS.into(),
        standardisation: beacon_tests::Bench::STANDARDISATION.into(),
    };
    let commit = Request::Commit(Activation::Model(header));
    assert!(frame(FrameKind::Request, 1, &commit, &[]).len() < 64);
}

#[test]
fn a_kernel_error_reads_the_same_at_the_other_end() {
    for error in kernel_errors() {
        let wire = KernelError::from(error);
        assert_eq!(beacon_kernel::Error::from(wire), error);
        assert_eq!(Refusal::Kernel(wire).to_string(), error.to_string());
    }
    for refusal in refusals() {
        assert!(refusal.to_string().len() > 15, "{refusal:?}");
    }
}

/// Every text that a kernel error can carry has a number of its own.
#[test]
fn every_text_of_a_kernel_error_travels() {
    for what in [
        "pixels",
        "pixels in a row",
        "candidates",
        "pixels of a window's side",
        "measurements",
        "floats",
        "words",
        "floats of workspace",
    ] {
        let error = beacon_kernel::Error::Capacity {
            what,
            needed: 2,
            capacity: 1,
        };
        assert_eq!(beacon_kernel::Error::from(KernelError::from(error)), error);
    }
    for what in ["pixel", "weight", "latent"] {
        let error = beacon_kernel::Error::NotFinite { what, index: 2 };
        assert_eq!(beacon_kernel::Error::from(KernelError::from(error)), error);
    }
    for name in [
        "lengthscale",
        "outputscale",
        "noise",
        "mean",
        "target mean",
        "target scale",
        "share of space",
        "inverse reach of space",
    ] {
        let error = beacon_kernel::Error::Hyperparameter { name, value: 0.0 };
        assert_eq!(beacon_kernel::Error::from(KernelError::from(error)), error);
    }
    for (name, accepted) in [
        ("k", "1 or more neighbours"),
        ("elite share", "above 0 and at most 1"),
        ("beta", "0 or more"),
    ] {
        let error = beacon_kernel::Error::Setting {
            name,
            value: 0.0,
            accepted,
        };
        assert_eq!(beacon_kernel::Error::from(KernelError::from(error)), error);
    }
}
