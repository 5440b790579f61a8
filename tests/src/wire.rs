//! A controller at the end of a serial line, in virtual time: every byte takes as long as on the
//! wire, every exchange a turn-around that is given, and nothing else takes any time at all.

use std::convert::Infallible;

use beacon_kernel::link::{Controller, Transport};

use crate::TestBoard;

/// Bits on the wire for a byte: start, eight of data, stop.
const BITS: u64 = 10;
const NS_PER_S: u64 = 1_000_000_000;

/// A controller with its board, reached over a line whose time can be read.
pub struct Wire<'a> {
    controller: Controller<'a>,
    board: TestBoard,
    byte_ns: u64,
    turnaround_ns: u64,
    now_ns: u64,
}

impl<'a> Wire<'a> {
    /// A line of `baud` bits a second. `turnaround_us` is what both ends together spend on each
    /// exchange beside its bytes: the controller on the request, the host on the reply.
    pub fn new(controller: Controller<'a>, baud: u64, turnaround_us: u64) -> Self {
        Self {
            controller,
            board: TestBoard::default(),
            byte_ns: BITS * NS_PER_S / baud,
            turnaround_ns: 1000 * turnaround_us,
            now_ns: 0,
        }
    }

    /// Time on the wire of `bytes` without any frame around them, in ns.
    pub fn wire_ns(&self, bytes: usize) -> u64 {
        bytes as u64 * self.byte_ns
    }

    /// The present time, in ns.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn pass(&mut self, ns: u64) {
        self.now_ns += ns;
        self.board.now_us = self.now_ns / 1000;
    }

    fn poll(&mut self) {
        let now_ms = self.now_ms();
        self.controller.poll(now_ms, &mut self.board);
    }
}

impl Transport for Wire<'_> {
    type Error = Infallible;

    fn send(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        for &byte in bytes {
            self.pass(self.byte_ns);
            if self.controller.receive(byte) {
                self.poll();
            }
        }
        self.pass(self.turnaround_ns);
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], timeout_ms: u32) -> Result<usize, Infallible> {
        let length = buffer.len().min(self.board.sent.len());
        for (slot, byte) in buffer.iter_mut().zip(self.board.sent.drain(..length)) {
            *slot = byte;
        }
        if length > 0 {
            self.pass(self.wire_ns(length));
        } else {
            let more = self.controller.idle();
            self.poll();
            if !more {
                self.pass(1_000_000 * u64::from(timeout_ms));
            }
        }
        Ok(length)
    }

    fn now_ms(&mut self) -> u64 {
        self.now_ns / 1_000_000
    }
}
