//! Protocol version 1, byte by byte: do not change a frame of this file.
//!
//! A frame that no longer comes out as it is written here cannot be read by a controller or a
//! host that was built before. Whatever must change goes into a new protocol version, with a
//! file of its own beside this one. A strategy or a request that is added extends its list at the
//! end: a controller that does not know it refuses it.

use beacon_kernel::link::frame::{Decoder, FrameKind, Header, MAX_BODY, MAX_FRAME, encode};
use beacon_kernel::link::message::{Hello, Identity, Reply, Request};
use beacon_kernel::link::{PROTOCOL_CURRENT, PROTOCOL_MIN};
use beacon_tests::every_message::{
    HELLO, identities, replies, reply_variant, request_variant, requests,
};
use serde::Serialize;

const SEQUENCE: u16 = 0x1234;

fn frame(kind: FrameKind, message: &impl Serialize, raw: &[u8]) -> Vec<u8> {
    let header = Header {
        version: 1,
        kind,
        sequence: SEQUENCE,
    };
    let mut out = vec![0; MAX_FRAME];
    let length = encode(header, message, raw, &mut out).unwrap();
    out.truncate(length);
    out
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .map(|digit| digit.to_digit(16).unwrap() as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| 16 * pair[0] + pair[1])
        .collect()
}

fn check(golden: &[&str], made: &[(String, Vec<u8>)]) {
    for (n, (name, frame)) in made.iter().enumerate() {
        assert_eq!(golden.get(n), Some(&hex(frame).as_str()), "{name}");
    }
    assert_eq!(golden.len(), made.len());
}

fn decoded<M>(golden: &str, read: impl Fn(FrameKind, u16, &[u8]) -> M) -> M {
    let mut decoder = Decoder::new([0; MAX_BODY]);
    let frame = bytes(golden);
    let (rest, complete) = decoder.push_all(&frame);
    assert!(complete && rest.is_empty());
    let frame = decoder.frame().unwrap();
    assert_eq!(frame.header.version, 1);
    read(frame.header.kind, frame.header.sequence, frame.content)
}

#[test]
fn version_1_is_spoken() {
    assert!((PROTOCOL_MIN..=PROTOCOL_CURRENT).contains(&1));
}

#[test]
fn the_handshake() {
    let mut made = vec![("hello".to_owned(), frame(FrameKind::Hello, &HELLO, &[]))];
    for identity in identities() {
        let frame = frame(FrameKind::Identity, &identity, &[]);
        made.push((format!("{identity:?}"), frame));
    }
    check(&HANDSHAKE, &made);
    let hello: Hello = decoded(HANDSHAKE[0], |kind, sequence, content| {
        assert_eq!((kind, sequence), (FrameKind::Hello, SEQUENCE));
        postcard::from_bytes(content).unwrap()
    });
    assert_eq!(hello, HELLO);
    for (golden, identity) in HANDSHAKE[1..].iter().zip(identities()) {
        let read: Identity = decoded(golden, |_, _, content| {
            postcard::from_bytes(content).unwrap()
        });
        assert_eq!(read, identity);
    }
}

#[test]
fn every_request() {
    let all = requests();
    let made: Vec<_> = all
        .iter()
        .map(|(request, raw)| {
            let frame = frame(FrameKind::Request, request, raw);
            (format!("{request:?}"), frame)
        })
        .collect();
    check(&REQUESTS, &made);
    for (golden, (request, raw)) in REQUESTS.iter().zip(&all) {
        decoded(golden, |kind, _, content| {
            assert_eq!(kind, FrameKind::Request);
            let (read, rest): (Request, _) = postcard::take_from_bytes(content).unwrap();
            assert_eq!((&read, rest), (request, raw.as_slice()));
            assert!(rest.is_empty() || read.carries_raw());
        });
    }
    for variant in 0..=22 {
        assert!(
            all.iter()
                .any(|(request, _)| request_variant(request) == variant),
            "{variant}"
        );
    }
}

#[test]
fn every_reply() {
    let all = replies();
    let made: Vec<_> = all
        .iter()
        .map(|(reply, raw)| (format!("{reply:?}"), frame(FrameKind::Reply, reply, raw)))
        .collect();
    check(&REPLIES, &made);
    for (golden, (reply, raw)) in REPLIES.iter().zip(&all) {
        decoded(golden, |kind, _, content| {
            assert_eq!(kind, FrameKind::Reply);
            let (read, rest): (Reply, _) = postcard::take_from_bytes(content).unwrap();
            assert_eq!((&read, rest), (reply, raw.as_slice()));
            assert!(rest.is_empty() || read.carries_raw());
        });
    }
    for variant in 0..=11 {
        assert!(
            all.iter().any(|(reply, _)| reply_variant(reply) == variant),
            "{variant}"
        );
    }
}

#[rustfmt::skip]
const HANDSHAKE: [&str; 3] = [
    // hello
    "0010010134120101effdb6f50d180f826d00",
    // identity
    "003a0102341201010d6e75636c656f2d683734337a690d302e312e302072656c6561736580f0f0e401802040901cc002100a0410800880b8992928051455b2b600",
    // identity
    "00420102341201010d6e75636c656f2d683734337a690d302e312e302072656c6561736580f0f0e401802040901cc002100a0410800880b89929280107dc0bc28b610100",
];

#[rustfmt::skip]
const REQUESTS: [&str; 43] = [
    // Status
    "00050103341205dc4c61b200",
    // Configuration
    "000a01033412014a7c66c500",
    // Measurements { from: 300 }
    "000c0103341202ac02916106fc00",
    // Surrogate { from: 300 }
    "000c0103341203ac02a60bc4fd00",
    // LastPanic { from: 300 }
    "000c0103341204ac02231d8bf800",
    // ClearPanic
    "000a010334120553b80bc200",
    // ResetCounters
    "000a0103341206e9e9025b00",
    // Begin(Campaign { id: 3735928559, seed: 81985529216486895, height: 64, width: 300, window: 16 })
    "001c0103341207effdb6f50def9bafcdf8acd1910140ac02107131761600",
    // Configure(Settings { dwell_us: 1000, settle_us: 10, dose: DoseLimits { pixel_us: 1000000, total_us: 3600000000 }, link_timeout_ms: 5000, field: Field { left: 100, top: 200, right: 65536, bottom: 60000 } })
    "00200103341209e8070ac0843d80c8ceb40d882764c801808004e0d403d3dd6b0700",
    // Scalarize(Scalarizer { signal: Window { start: 10, end: 300 }, background: Some((Window { start: 2, end: 6 }, Window { start: 301, end: 2048 })) })
    "0014010334120a0aac02010206ad0280104075dc7e00",
    // Scalarize(Scalarizer { signal: Window { start: 10, end: 300 }, background: None })
    "0009010334120a0aac02059c1b96aa00",
    // Transfer(Descriptor { payload: Image { height: 64, width: 300 }, encoding: F32, crc: 3421780262 })
    "0006010334120b0440ac020aa6f2d0df0c767af3f300",
    // Transfer(Descriptor { payload: Weights { architecture: Valid, window: 16 }, encoding: F16, crc: 3421780262 })
    "0007010334120b01081001a6f2d0df0c0430450200",
    // Transfer(Descriptor { payload: Spectrum { candidate: 3599, channels: 2048 }, encoding: F32, crc: 3421780262 })
    "000b010334120b028f1c80100aa6f2d0df0c609bf92400",
    // Query { kind: Image }
    "0006010334120d05736e7be800",
    // Query { kind: Weights }
    "000b010334120d01e55e7c9f00",
    // Query { kind: Spectrum }
    "000b010334120d025f0f750600",
    // Commit(Image)
    "0006010334120e05b03d56c300",
    // Commit(Model(ModelHeader { version: 300, hyperparameters: Hyperparameters { lengthscale: [0.5, 2.0], outputscale: 1.5, noise: 0.01, mean: -0.5 }, standardisation: Standardisation { mean: -1.5, scale: 0.25 } }))
    "0009010334120e01ac020101023f010102400107c03f0ad7233c010102bf0103c0bf0107803e2f8dca3f00",
    // Commit(Spectrum { next: Expose })
    "000c010334120e0202920998c500",
    // Abort { kind: Weights }
    "000b010334120f01673c4aad00",
    // Propose { expose: false }
    "00060103341211052e330c0e00",
    // Propose { expose: true }
    "000b010334121101b8030b7900",
    // Expose { candidate: 3599 }
    "000c01033412128f1ce38886a400",
    // Blank
    "000a0103341213020ddf3600",
    // End { campaign: 3735928559 }
    "000f0103341214effdb6f50df3da655400",
    // Choose(Acquisition { strategy: Beacon, k: 10, references: Denoised, sampling: Marginal, elite_share: 0.2, beta: 4.0 })
    "00060103341208020a0601cdcc4c3e01078040e79f9bc800",
    // Choose(Acquisition { strategy: BeaconElite, k: 10, references: Denoised, sampling: Marginal, elite_share: 0.2, beta: 4.0 })
    "00080103341208010a0601cdcc4c3e0107804088d33e5300",
    // Choose(Acquisition { strategy: Ei, k: 10, references: Denoised, sampling: Marginal, elite_share: 0.2, beta: 4.0 })
    "00080103341208020a0601cdcc4c3e010780407801a02400",
    // Choose(Acquisition { strategy: Mu, k: 10, references: Denoised, sampling: Marginal, elite_share: 0.2, beta: 4.0 })
    "00080103341208030a0601cdcc4c3e01078040174d05bf00",
    // Choose(Acquisition { strategy: Ucb, k: 10, references: Denoised, sampling: Marginal, elite_share: 0.2, beta: 4.0 })
    "00080103341208040a0601cdcc4c3e0107804098a49dcb00",
    // Choose(Acquisition { strategy: Thompson, k: 10, references: Denoised, sampling: Marginal, elite_share: 0.2, beta: 4.0 })
    "00080103341208050a0601cdcc4c3e01078040f7e8385000",
    // Choose(Acquisition { strategy: Random, k: 10, references: Denoised, sampling: Marginal, elite_share: 0.2, beta: 4.0 })
    "00080103341208060a0601cdcc4c3e01078040073aa62700",
    // Choose(Acquisition { strategy: Beacon, k: 10, references: Raw, sampling: Joint, elite_share: 0.2, beta: 4.0 })
    "00060103341208030a0105cdcc4c3e010780409ae0223000",
    // Measure { measurement: Measurement { candidate: 3599, value: 1.5 }, next: Nothing }
    "000801033412108f1c0103c03f0518713c2500",
    // Measure { measurement: Measurement { candidate: 3599, value: 1.5 }, next: Propose }
    "000801033412108f1c0108c03f018e413b5200",
    // Measure { measurement: Measurement { candidate: 3599, value: 1.5 }, next: Expose }
    "000801033412108f1c0108c03f02341032cb00",
    // Transfer(Descriptor { payload: Weights { architecture: Same, window: 5 }, encoding: F16, crc: 3421780262 })
    "0013010334120b01010501a6f2d0df0cf78309fb00",
    // Chunk { kind: Weights, offset: 1024 }
    "0009010334120c018008040102030107803fc2342c8d00",
    // Choose(Acquisition { strategy: BeaconStructure, k: 10, references: Denoised, sampling: Marginal, elite_share: 0.2, beta: 4.0 })
    "00080103341208070a0601cdcc4c3e01078040687603bc00",
    // Choose(Acquisition { strategy: Farthest, k: 10, references: Denoised, sampling: Marginal, elite_share: 0.2, beta: 4.0 })
    "00080103341208080a0601cdcc4c3e0107804019e997ce00",
    // Origin { value: 26005.25 }
    "00060103341215010101095065d9402d1af45b00",
    // Exclude(Region { top: 3, bottom: 20, left: 0, right: 300 })
    "00080103341216031407ac02ba26eb6500",
];

#[rustfmt::skip]
const REPLIES: [&str; 69] = [
    // Done
    "000501043412056574b62f00",
    // Busy { milliseconds: 1500 }
    "000c0104341201dc0b222ea6b500",
    // Configuration(Configuration { acquisition: Acquisition { strategy: Beacon, k: 10, references: Denoised, sampling: Marginal, elite_share: 0.2, beta: 4.0 }, settings: Settings { dwell_us: 1000, settle_us: 10, dose: DoseLimits { pixel_us: 1000000, total_us: 3600000000 }, link_timeout_ms: 5000, field: Field { left: 100, top: 200, right: 65536, bottom: 60000 } }, scalarizer: Some(Scalarizer { signal: Window { start: 10, end: 300 }, background: Some((Window { start: 2, end: 6 }, Window { start: 301, end: 2048 })) }) })
    "00060104341204020a0601cdcc4c3e01288040e8070ac0843d80c8ceb40d882764c801808004e0d403010aac02010206ad0280104ccc5dd000",
    // Configuration(Configuration { acquisition: Acquisition { strategy: Beacon, k: 10, references: Denoised, sampling: Marginal, elite_share: 0.2, beta: 4.0 }, settings: Settings { dwell_us: 1000, settle_us: 10, dose: DoseLimits { pixel_us: 1000000, total_us: 3600000000 }, link_timeout_ms: 5000, field: Field { left: 100, top: 200, right: 65536, bottom: 60000 } }, scalarizer: None })
    "00060104341204020a0601cdcc4c3e01198040e8070ac0843d80c8ceb40d882764c801808004e0d40305ade2b1c700",
    // Progress { received: 5000 }
    "000c010434120888271ee1785600",
    // Measured(Measured { count: 320, value: 1.5, next: Nothing })
    "00080104341209c0020103c03f05e0286ce400",
    // Measured(Measured { count: 320, value: 1.5, next: Proposed(Proposed { proposal: Proposal { candidate: 3599, row: 8, column: 500, step: 319, score: -0.75, prediction: Some(Prediction { mean: 2.0, sigma: 0.125 }) }, exposure: Yes }) })
    "00080104341209c002010bc03f018f1c08f403bf02010440bf01010102400101073e01c9cfdb9300",
    // Measured(Measured { count: 320, value: 1.5, next: Refused(Kernel(Exhausted)) })
    "00080104341209c0020104c03f0206111959264300",
    // Proposed(Proposed { proposal: Proposal { candidate: 3599, row: 8, column: 500, step: 319, score: -0.75, prediction: Some(Prediction { mean: 2.0, sigma: 0.125 }) }, exposure: Yes })
    "000d010434120a8f1c08f403bf02010440bf01010102400101073e015e9907fa00",
    // Proposed(Proposed { proposal: Proposal { candidate: 3599, row: 8, column: 500, step: 319, score: -0.75, prediction: None }, exposure: No })
    "000d010434120a8f1c08f403bf02010340bf01054c36053900",
    // Proposed(Proposed { proposal: Proposal { candidate: 3599, row: 8, column: 500, step: 319, score: -0.75, prediction: Some(Prediction { mean: 2.0, sigma: 0.125 }) }, exposure: Refused(TotalDose { used_us: 1, limit_us: 2 }) })
    "000d010434120a8f1c08f403bf02010440bf010101024001010a3e021001025122025e00",
    // Exposed { pixel_dose_us: 1000, total_dose_us: 321000 }
    "000f010434120be807e8cb130308974400",
    // Status(Status { uptime_ms: 300, phase: Idle, campaign: None, image_crc: None, model: None, weights_crc: None, measured: 0, last: None, pending: None, exposed: None, beam: Blanked(Reset), exposures: 0, dose_us: 0, transfer: None, link: LinkStatistics { frames: 0, overflows: 0, cobs_errors: 0, runts: 0, crc_errors: 0, version_errors: 0, decode_errors: 0, duplicates: 0, out_of_sequence: 0, losses: 0 }, health: Health { stack_high_water: 0, stack_size: 0, static_ram: 0, lost_bytes: 0, watchdog_resets: 0 } })
    "00080104341203ac0201010101010101010201010101010101010101010101010101010101054b0404be00",
    // Status(Status { uptime_ms: 86400000, phase: Running, campaign: Some(Campaign { id: 3735928559, seed: 81985529216486895, height: 64, width: 300, window: 16 }), image_crc: Some(1), model: Some(300), weights_crc: Some(3421780262), measured: 320, last: Some(Measurement { candidate: 3599, value: 1.5 }), pending: Some(Proposal { candidate: 3599, row: 8, column: 500, step: 319, score: -0.75, prediction: Some(Prediction { mean: 2.0, sigma: 0.125 }) }), exposed: Some(3599), beam: On { candidate: 3599 }, exposures: 321, dose_us: 321000, transfer: Some(Progress { descriptor: Descriptor { payload: Weights { architecture: Valid, window: 16 }, encoding: F16, crc: 3421780262 }, received: 2048 }), link: LinkStatistics { frames: 1000, overflows: 1, cobs_errors: 2, runts: 3, crc_errors: 4, version_errors: 5, decode_errors: 6, duplicates: 7, out_of_sequence: 8, losses: 9 }, health: Health { stack_high_water: 5000, stack_size: 16384, static_ram: 408236, lost_bytes: 10, watchdog_resets: 11 } })
    "002e010434120380b899290201effdb6f50def9bafcdf8acd1910140ac0210010101ac0201a6f2d0df0cc002018f1c010bc03f018f1c08f403bf02010440bf01010102400101053e018f1c0a8f1cc102e8cb130101231001a6f2d0df0c8010e8070102030405060708098827808001acf5180a0bf8d1f22100",
    // Status(Status { uptime_ms: 300, phase: Idle, campaign: None, image_crc: None, model: None, weights_crc: None, measured: 0, last: None, pending: None, exposed: None, beam: Blanked(Between), exposures: 0, dose_us: 0, transfer: None, link: LinkStatistics { frames: 0, overflows: 0, cobs_errors: 0, runts: 0, crc_errors: 0, version_errors: 0, decode_errors: 0, duplicates: 0, out_of_sequence: 0, losses: 0 }, health: Health { stack_high_water: 0, stack_size: 0, static_ram: 0, lost_bytes: 0, watchdog_resets: 0 } })
    "00080104341203ac0201010101010101010301010101010101010101010101010101010101051384e66900",
    // Status(Status { uptime_ms: 300, phase: Idle, campaign: None, image_crc: None, model: None, weights_crc: None, measured: 0, last: None, pending: None, exposed: None, beam: Blanked(Request), exposures: 0, dose_us: 0, transfer: None, link: LinkStatistics { frames: 0, overflows: 0, cobs_errors: 0, runts: 0, crc_errors: 0, version_errors: 0, decode_errors: 0, duplicates: 0, out_of_sequence: 0, losses: 0 }, health: Health { stack_high_water: 0, stack_size: 0, static_ram: 0, lost_bytes: 0, watchdog_resets: 0 } })
    "00080104341203ac020101010101010101030102010101010101010101010101010101010105ba02b0ca00",
    // Status(Status { uptime_ms: 300, phase: Idle, campaign: None, image_crc: None, model: None, weights_crc: None, measured: 0, last: None, pending: None, exposed: None, beam: Blanked(LinkLost), exposures: 0, dose_us: 0, transfer: None, link: LinkStatistics { frames: 0, overflows: 0, cobs_errors: 0, runts: 0, crc_errors: 0, version_errors: 0, decode_errors: 0, duplicates: 0, out_of_sequence: 0, losses: 0 }, health: Health { stack_high_water: 0, stack_size: 0, static_ram: 0, lost_bytes: 0, watchdog_resets: 0 } })
    "00080104341203ac020101010101010101030103010101010101010101010101010101010105e282521d00",
    // Status(Status { uptime_ms: 300, phase: Idle, campaign: None, image_crc: None, model: None, weights_crc: None, measured: 0, last: None, pending: None, exposed: None, beam: Blanked(DoseLimit), exposures: 0, dose_us: 0, transfer: None, link: LinkStatistics { frames: 0, overflows: 0, cobs_errors: 0, runts: 0, crc_errors: 0, version_errors: 0, decode_errors: 0, duplicates: 0, out_of_sequence: 0, losses: 0 }, health: Health { stack_high_water: 0, stack_size: 0, static_ram: 0, lost_bytes: 0, watchdog_resets: 0 } })
    "00080104341203ac020101010101010101030104010101010101010101010101010101010105a9096c5700",
    // Status(Status { uptime_ms: 300, phase: Idle, campaign: None, image_crc: None, model: None, weights_crc: None, measured: 0, last: None, pending: None, exposed: None, beam: Blanked(CampaignEnd), exposures: 0, dose_us: 0, transfer: None, link: LinkStatistics { frames: 0, overflows: 0, cobs_errors: 0, runts: 0, crc_errors: 0, version_errors: 0, decode_errors: 0, duplicates: 0, out_of_sequence: 0, losses: 0 }, health: Health { stack_high_water: 0, stack_size: 0, static_ram: 0, lost_bytes: 0, watchdog_resets: 0 } })
    "00080104341203ac020101010101010101030105010101010101010101010101010101010105f1898e8000",
    // Status(Status { uptime_ms: 300, phase: AwaitingImage, campaign: None, image_crc: None, model: None, weights_crc: None, measured: 0, last: None, pending: None, exposed: None, beam: Blanked(Reset), exposures: 0, dose_us: 0, transfer: None, link: LinkStatistics { frames: 0, overflows: 0, cobs_errors: 0, runts: 0, crc_errors: 0, version_errors: 0, decode_errors: 0, duplicates: 0, out_of_sequence: 0, losses: 0 }, health: Health { stack_high_water: 0, stack_size: 0, static_ram: 0, lost_bytes: 0, watchdog_resets: 0 } })
    "00090104341203ac0201010101010101010201010101010101010101010101010101010101056fdd03dd00",
    // Status(Status { uptime_ms: 300, phase: Ended, campaign: None, image_crc: None, model: None, weights_crc: None, measured: 0, last: None, pending: None, exposed: None, beam: Blanked(Reset), exposures: 0, dose_us: 0, transfer: None, link: LinkStatistics { frames: 0, overflows: 0, cobs_errors: 0, runts: 0, crc_errors: 0, version_errors: 0, decode_errors: 0, duplicates: 0, out_of_sequence: 0, losses: 0 }, health: Health { stack_high_water: 0, stack_size: 0, static_ram: 0, lost_bytes: 0, watchdog_resets: 0 } })
    "00090104341203ac020301010101010101020101010101010101010101010101010101010105276f0c1b00",
    // Refused(Kernel(Capacity { what: 2, needed: 300, capacity: 64 }))
    "00060104341202010902ac02406a37bf4700",
    // Refused(Kernel(Window { window: 3, smallest: 4, largest: 64 }))
    "000601043412020901030440877ee04500",
    // Refused(Kernel(ImageShape { height: 8, width: 300, pixels: 2401 }))
    "000601043412020b0208ac02e112b69dff3c00",
    // Refused(Kernel(NoCandidates { height: 8, width: 300, window: 16 }))
    "000601043412020a0308ac02102afcc90400",
    // Refused(Kernel(ModelWindow { found: 5, expected: 16 }))
    "00060104341202080405105b33037a00",
    // Refused(Kernel(WeightCount { found: 5826, expected: 5058 }))
    "000601043412020a05c22dc2271e04c90100",
    // Refused(Kernel(NotFinite { what: 10, index: 4000 }))
    "0006010434120209060aa01f394859e600",
    // Refused(Kernel(Hyperparameter { name: 14, value: 1e-9 }))
    "000601043412020b070e5f708930995c905800",
    // Refused(Kernel(Setting { name: 19, value: 1.5, accepted: 22 }))
    "000601043412020308130108c03f16cad2f2cf00",
    // Refused(Kernel(NoSuchCandidate { candidate: 3599, candidates: 2401 }))
    "000601043412020a098f1ce1121a55f46000",
    // Refused(Kernel(AlreadyMeasured { candidate: 3599 }))
    "00060104341202080a8f1cbb2247b800",
    // Refused(Kernel(ResponseNotFinite { candidate: 3599 }))
    "00060104341202080b8f1c8c4885b900",
    // Refused(Kernel(Outlier { candidate: 3599 }))
    "00060104341202080c8f1c095ecabc00",
    // Refused(Kernel(NotPositiveDefinite { row: 12 }))
    "00060104341202070d0c50801dce00",
    // Refused(Kernel(NoImage))
    "00060104341202060ee7ee07ea00",
    // Refused(Kernel(NoModel))
    "00060104341202040f71de029d00",
    // Refused(Kernel(NoMeasurement))
    "00060104341202061084d3081000",
    // Refused(Kernel(Exhausted))
    "00060104341202061112e30f6700",
    // Refused(NotConnected)
    "000b0104341202013a9ec4aa00",
    // Refused(OutOfSequence { expected: 4711 })
    "000d010434120202e724a2e7bd5c00",
    // Refused(Undecodable)
    "000b01043412020316ffca4400",
    // Refused(CampaignRunning { id: 3735928559 })
    "0010010434120204effdb6f50d724f8eea00",
    // Refused(NoCampaign)
    "000b010434120205235aa9ad00",
    // Refused(CampaignEnded)
    "000b010434120206990ba03400",
    // Refused(ImageMismatch)
    "000b0104341202089e2618d300",
    // Refused(NoTransfer)
    "000b01043412020908161fa400",
    // Refused(TooLarge { needed: 19200, capacity: 5826 })
    "001001043412020a809601c22df5d6b94c00",
    // Refused(Chunk)
    "000b01043412020b2477114a00",
    // Refused(Incomplete { received: 1024, length: 16384 })
    "001001043412020c8008808001ac931fd700",
    // Refused(Checksum)
    "000b01043412020d11d272a300",
    // Refused(NoScalarizer)
    "000b01043412020eab837b3a00",
    // Refused(PixelDose { used_us: 1000000, limit_us: 1000500 })
    "001101043412020fc0843db4883da7e6403900",
    // Refused(TotalDose { used_us: 3600000000, limit_us: 3600000500 })
    "001301043412021080c8ceb40df4cbceb40d258b027700",
    // Refused(Setting { which: Dwell, limit: 60000000 })
    "000701043412020709808ece1c716eb12300",
    // Refused(Setting { which: Settle, limit: 60000000 })
    "001001043412020701808ece1cc147d11e00",
    // Refused(Setting { which: PixelDose, limit: 60000000 })
    "001001043412020702808ece1c113d715900",
    // Refused(Setting { which: TotalDose, limit: 60000000 })
    "001001043412020703808ece1ca114116400",
    // Refused(Setting { which: LinkTimeout, limit: 60000000 })
    "001001043412020704808ece1cb1c831d600",
    // Refused(Setting { which: Field, limit: 60000000 })
    "001001043412020705808ece1c01e151eb00",
    // Refused(Setting { which: Scalarizer, limit: 60000000 })
    "001001043412020706808ece1cd19bf1ac00",
    // Measurements { from: 2, total: 3 }
    "000a010434120502030f0e01010107c03ff670cbe800",
    // Surrogate { from: 0, total: 3600, noise: 0.01, standardisation: Standardisation { mean: -1.5, scale: 0.25 } }
    "0006010434120607901c0ad7233c0103c0bf0103803e0103803f0101063f04588c0600",
    // LastPanic { from: 0, total: 5 }
    "000601043412070b05696e64657881b9deaf00",
    // Refused(Setting { which: Origin, limit: 18446744073709551615 })
    "001601043412020707ffffffffffffffffff017c07ebd000",
    // Refused(Beam(Silent))
    "000701043412021105f0e0665e00",
    // Status(Status { uptime_ms: 300, phase: Idle, campaign: None, image_crc: None, model: None, weights_crc: None, measured: 0, last: None, pending: None, exposed: None, beam: Blanked(Fault(Silent)), exposures: 0, dose_us: 0, transfer: None, link: LinkStatistics { frames: 0, overflows: 0, cobs_errors: 0, runts: 0, crc_errors: 0, version_errors: 0, decode_errors: 0, duplicates: 0, out_of_sequence: 0, losses: 0 }, health: Health { stack_high_water: 0, stack_size: 0, static_ram: 0, lost_bytes: 0, watchdog_resets: 0 } })
    "00080104341203ac0201010101010101010301060101010101010101010101010101010101010544ee91b700",
    // Refused(Beam(Strange))
    "000c0104341202110166d0612900",
    // Status(Status { uptime_ms: 300, phase: Idle, campaign: None, image_crc: None, model: None, weights_crc: None, measured: 0, last: None, pending: None, exposed: None, beam: Blanked(Fault(Strange)), exposures: 0, dose_us: 0, transfer: None, link: LinkStatistics { frames: 0, overflows: 0, cobs_errors: 0, runts: 0, crc_errors: 0, version_errors: 0, decode_errors: 0, duplicates: 0, out_of_sequence: 0, losses: 0 }, health: Health { stack_high_water: 0, stack_size: 0, static_ram: 0, lost_bytes: 0, watchdog_resets: 0 } })
    "00080104341203ac020101010101010101040106010101010101010101010101010101010101051c6e736000",
];
