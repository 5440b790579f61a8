//! The serial link between a host and a scan controller: protocol versions 1 and 2, both ends.
//!
//! The host sends one request at a time and the controller answers it. The controller owns the
//! campaign's state and the beam; the host may be killed and replaced at any moment.
//!
//! # Layers
//!
//! Each layer uses those above it in this table alone.
//!
//! | layer | module | what it knows |
//! |---|---|---|
//! | frames | [`frame`] | where a frame starts and ends, and that it is intact |
//! | scalarizers | [`scalarizer`] | how a spectrum becomes a response |
//! | messages | [`message`] | all requests and replies |
//! | transfers | [`transfer`] | images, weights and spectra in chunks |
//! | numbers of requests | [`Client`], and `peer` in [`Controller`] | sequence numbers, time-outs, retries |
//! | controller | [`Controller`] over [`Board`] | the campaign, the beam, its limits |
//!
//! Firmware implements [`Board`] and turns a loop: bytes into [`Controller::receive`], then
//! [`Controller::poll`]. A host implements [`Transport`] and talks through [`Client`].
//!
//! # Bytes
//!
//! ```text
//! 00 | COBS( version u8 | kind u8 | sequence u16 | message | raw bytes | CRC-32 u32 ) | 00
//! ```
//!
//! - COBS (consistent overhead byte stuffing) replaces every zero, so that a zero on the wire
//!   only ever separates frames. Any number of zeros may stand between two frames.
//! - Numbers outside the message are little-endian. The CRC is CRC-32/ISO-HDLC (zip, Ethernet;
//!   `"123456789"` gives `0xCBF43926`) over everything before it, unstuffed.
//! - Kind: 1 hello, 2 identity, 3 request, 4 reply. Everything else is dropped.
//! - Message: postcard. Unsigned integers over 8 bits are LEB128 varints, `u8` and `bool` are
//!   one byte, `f32` and `f64` are four and eight bytes little-endian, an enum starts with the
//!   number of its variant as a varint, an `Option` with 0 or 1, a string with its length;
//!   structs are their fields in order.
//! - Raw bytes follow only where the table says so; elsewhere they make the frame undecodable.
//! - At most [`frame::MAX_MESSAGE`] bytes of message and [`frame::MAX_RAW`] raw bytes.
//!
//! A receiver checks the CRC first. After damage of any kind it drops everything up to the next
//! zero. For example [`message::Request::Status`] as request 0x1234
//! is `00 05 01 03 34 12 05 dc 4c 61 b2 00`: unstuffed, header `01 03 34 12`, message `00` and
//! CRC `dc 4c 61 b2`.
//!
//! # Messages
//!
//! Numbers are those of the variants. The fields are documented in [`message::Request`] and
//! [`message::Reply`]; every one is pinned byte by byte in `tests/tests/all/link_golden.rs`.
//!
//! | request | | answered by | raw bytes |
//! |---|---|---|---|
//! | 0 Status | the whole state | 3 Status | |
//! | 1 Configuration | the settings in force | 4 Configuration | |
//! | 2 Measurements {from} | the list, a page at a time | 5 Measurements | reply: (u32, f32) each |
//! | 3 Surrogate {from} | the posterior, a page at a time | 6 Surrogate | reply: (f32, f32) each |
//! | 4 LastPanic {from} | the last panic's message | 7 LastPanic | reply: UTF-8 |
//! | 5 ClearPanic, 6 ResetCounters | | 0 Done | |
//! | 7 Begin | a campaign, its image still to come | 0 Done | |
//! | 8 Choose | the strategy | 0 Done | |
//! | 9 Configure | beam, dose limits, link time-out | 0 Done | |
//! | 10 Scalarize | windows of a spectrum | 0 Done | |
//! | 11 Transfer | begins or resumes a transfer | 8 Progress | |
//! | 12 Chunk {kind, offset} | | 8 Progress | request: values, little-endian |
//! | 13 Query {kind} | how far it has come | 8 Progress | |
//! | 14 Commit | image, model or spectrum takes effect | 0 Done, 9 Measured | |
//! | 15 Abort {kind} | | 0 Done | |
//! | 16 Measure {measurement, next} | a response, and what then | 9 Measured | |
//! | 17 Propose {expose} | the next candidate | 10 Proposed | |
//! | 18 Expose {candidate} | the beam moves there | 11 Exposed | |
//! | 19 Blank | | 0 Done | |
//! | 20 End {campaign} | | 0 Done | |
//! | 21 Origin {value} | what responses of spectra are relative to | 0 Done | |
//! | 22 Exclude {top, bottom, left, right} | no proposal there any more | 0 Done | |
//! | 23 BeginWith {campaign, edges} | Begin with reflected edges; version 2 | 0 Done | |
//! | 24 Load {weights, header} | a model in one frame; version 2 | 0 Done | request: values, little-endian |
//! | 25 Point {x, y} | moves the blanked beam; version 2 | 0 Done | |
//! | 26 Pulse {at, dwell_us} | an exposure of no campaign; version 2 | 11 Exposed | |
//! | 27 Baud {baud} | another rate of the line; version 2 | 0 Done | |
//! | 28 Signals {ready_ms, gate} | lines to a detector; version 2 | 0 Done | |
//! | 29 Overview {raster} | takes an overview; version 2 | 11 Exposed | |
//! | 30 Pixels {from} | its values, a page at a time; version 2 | 12 Pixels | reply: f32 each |
//! | 31 Reading | what the detector gave last; version 2 | 13 Reading | |
//! | 32 Vectors | how many responses a place may have; version 2 | 14 Vectors | |
//! | 33 BeginVectors {campaign, edges, responses} | BeginWith for several responses; version 2 | 0 Done | |
//! | 34 MeasureVector {candidate, responses, next} | all responses of a place; version 2 | 9 Measured | |
//! | 35 LoadVectors {weights, header, others} | Load for several responses; version 2 | 0 Done | request: values, little-endian |
//! | 36 Reduce | windows and origin for each response; version 2 | 0 Done | |
//! | 37 MeasurementsOf {response, from} | Measurements of another response; version 2 | 5 Measurements | reply: (u32, f32) each |
//! | 38 SurrogateOf {response, from} | Surrogate of another response; version 2 | 6 Surrogate | reply: (f32, f32) each |
//!
//! Any request may be answered by 2 Refused, with a typed reason that includes every error of
//! the kernel, and may be preceded by 1 Busy.
//!
//! Version 1 had neither 21 Origin nor 22 Exclude in its first release. A controller of that release
//! refuses them as undecodable and does not count them, so it refuses the next request as out of
//! sequence. The host then says hello again; in place of Origin it reduces spectra itself and sends
//! 16 Measure.
//!
//! # Sequence
//!
//! 1. A host says hello (kind 1) with any sequence number; it chooses it, and the name it calls
//!    itself, at random. The identity (kind 2) says which protocol versions the controller
//!    speaks, how large a campaign may be, and whether another host spoke before. Hello and
//!    identity keep their layout in all versions: later ones may only append, and receivers
//!    ignore what follows the fields they know.
//! 2. Every request counts one up, modulo 2¹⁶; the replies repeat its number. The next request
//!    is not sent before the reply to the last one has come.
//! 3. When no reply comes in time, the host sends the same frame again, byte for byte. The
//!    controller knows it by number and CRC, does not carry it out again, and repeats its reply.
//!    [`Client`] waits twice as long after every attempt, up to [`Timing::longest_ms`].
//! 4. Busy says that a request arrived and takes long, or waits for an exposure to end. The host
//!    waits as long as Busy says before it repeats, and does not count the attempt.
//! 5. Any other number is refused as out of sequence, so that two hosts on one port notice each
//!    other. Blank is the exception: the controller obeys it whatever its number.
//! 6. A host that gave up says hello again and looks at the status: the last request may or may
//!    not have been carried out. A controller that was reset refuses everything but hello.
//! 7. The controller answers a request in a version that it does not speak with its identity.
//!
//! # Versions
//!
//! Both ends speak every version from [`PROTOCOL_MIN`] to [`PROTOCOL_CURRENT`]. A host writes its
//! requests in the newest version that the identity and it have in common; the controller answers
//! in the version of the request. A later version is an earlier one with requests, replies and
//! variants added at the end of their lists. The controller refuses a request that its frame's
//! version does not have as undecodable, and leaves out of replies what their version does not
//! have, or tells it by what comes nearest ([`message::Reply::within`]); a host does not send what
//! the common version lacks ([`Failure::Missing`]).
//!
//! | version | what it added |
//! |---|---|
//! | 2 | 23 BeginWith; 24 Load; weights of the architecture 2 Filters in 11 Transfer |
//! | 2 | refusal 17 Beam, which version 1 is told as 3 Undecodable; blank reason 6 Fault, as 3 LinkLost |
//! | 2 | 25 Point, 26 Pulse, 27 Baud, 28 Signals; beam 2 OnBench, as 0 On |
//! | 2 | 29 Overview, 30 Pixels, 31 Reading; beam 3 Overview, as 0 On |
//! | 2 | 32 Vectors to 38 SurrogateOf; 14 Commit of 3 ModelOfVectors; errors of the kernel from 18 on, of which version 1 is told what a single response has, or 3 Undecodable |
//!
//! # Transfers and resuming
//!
//! Transfer describes the data: kind and shape, f32 or f16, CRC-32 of all bytes. Weights of the convolutional
//! networks travel as f16 ([`transfer::Encoding::of_weights`]), and a host that mirrors the controller rounds
//! its own likewise; all others as f32. Chunks hold
//! whole values. The controller takes them in order only and answers each with the number of bytes
//! that have arrived; the host goes on from there. A host that describes the same transfer again
//! learns how far it had come, so a new host goes on where the old one stopped; another description
//! starts at 0. Nothing takes effect before Commit, which checks the CRC; until then the controller
//! uses the old weights. A spectrum has a place of its own, so a host may send one in the middle of
//! a transfer of weights.
//!
//! The controller answers Commit and Load of a model with Busy, evaluates the weights in slices beside the model
//! in force, and then takes the new one: what cannot be interrupted is the factor of the points. A request that
//! comes meanwhile, as a response does, gives the commit up: the controller answers with the model in force,
//! keeps the transfer, and the host commits again. So the order in which the controller accepts requests
//! says which model decides, never how far the evaluation had come.
//!
//! A new host reads the status: the campaign's id and seed, the CRCs of image and weights, the
//! model's version, the number of measurements and the last one, the candidate that is proposed and
//! the one that is exposed but not measured yet. Measurements lists all of them. The host goes on
//! with whatever is missing; proposals depend on image, model, measurements, seed and strategy
//! alone.
//!
//! # Several responses
//!
//! A campaign that 33 BeginVectors began has as many responses of a place as it says; all others have one. The
//! board has room for as many as 32 Vectors tells. Measurements come as 34 MeasureVector, models with the
//! statistics of the further responses, and a spectrum becomes a response by each of the windows of 36 Reduce. What
//! a host of one response reads of such a campaign, in status, measurements, surrogate and proposals, is its first
//! response; 37 MeasurementsOf and 38 SurrogateOf tell the others.
//!
//! # Overviews and readings
//!
//! A board with a detector reads it in every exposure. Overview has the board expose every pixel of
//! a field in turn; the whole dose is held against the limits and counted before the first one.
//! Requests that need the beam wait until it is over. Pixels tells the values that are final,
//! meanwhile as well, from any pixel on; the CRC comes with the last. Blank, a lost link and a fault
//! of what drives the beam end an overview, which then never becomes complete: Status says why. The
//! values lie where transfers do, until the next image or weights; while the overview is under way
//! those are refused as too large.
//!
//! # Rate of the line
//!
//! Both ends begin at the board's own rate. A host asks for another with Baud; the controller
//! answers, lets the answer leave, and changes. When no intact frame comes within
//! [`BAUD_TRIAL_MS`], or later when the link is lost, it returns to its own rate, as it does at a
//! reset. A host that hears nothing at the new rate returns as well, waits that long, and says
//! hello.
//!
//! # Safety
//!
//! The controller, not the host, sees to it that the beam stays inside the field, that no
//! measured candidate is exposed or measured again, and that no dose limit is exceeded. Limits
//! may be lowered at any time but not raised once a campaign has used some. After
//! [`message::Settings::link_timeout_ms`] without an intact frame the controller blanks the beam and
//! keeps its state; a host that waits for a detector asks for the status meanwhile. Dose is time of
//! exposure in µs; the controller counts it in full when an exposure starts.
//!
//! Point and Pulse are refused while a campaign runs. A board counts pulses as it counts a
//! campaign's exposures, by place: it divides the range into as many squares as a campaign may have
//! candidates. No host can raise the limits of either.

mod beam;
mod board;
mod client;
mod controller;
pub mod frame;
pub mod message;
mod peer;
pub mod scalarizer;
mod station;
pub mod transfer;

pub use board::{Board, Exposure};
pub use client::{Client, ClientStatistics, Failure, Timing, Transport, Upload};
pub use controller::{Controller, Limits, Memory};

/// Oldest protocol version spoken here.
pub const PROTOCOL_MIN: u8 = 1;
/// Newest protocol version spoken here.
pub const PROTOCOL_CURRENT: u8 = 2;
/// How long a controller waits at another rate of the line for the first intact frame, in ms.
pub const BAUD_TRIAL_MS: u64 = 500;
