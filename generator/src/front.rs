//! Bytes on their way into the generator.

use std::collections::VecDeque;

use crate::CLOCK_HZ;

/// Bits of a serial line a second: what the AN500's UART sends.
const BAUD: u64 = 1_562_500;
/// Tenths of a clock cycle in one byte of ten bits: 307.2 cycles.
pub(crate) const BYTE_TENTHS: u64 = 10 * 10 * CLOCK_HZ / BAUD;
/// Bytes that wait behind the line.
const FIFO: usize = 16;
/// From the end of a byte back to when the parser sees it: the receiver samples in the middle of
/// the stop bit, 15 cycles before its end, and hands over 8 cycles later.
const EARLY_TENTHS: u64 = 70;

/// How bytes come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// As fast as they are taken.
    Direct,
    /// Over a serial line of 1 562 500 baud with a FIFO of 16 bytes; a byte that finds it full
    /// is lost.
    Uart,
}

/// Bytes that were sent and not taken yet.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    front: Front,
    /// On the line, each with the cycle in which it arrives.
    line: VecDeque<(u64, u8)>,
    fifo: VecDeque<u8>,
    /// When the line is free again, in tenths of a cycle.
    free_tenths: u64,
    lost: u64,
}

impl Input {
    pub(crate) fn new(front: Front) -> Self {
        Self {
            front,
            line: VecDeque::new(),
            fifo: VecDeque::new(),
            free_tenths: 0,
            lost: 0,
        }
    }

    /// Sends a byte at a time, or as soon afterwards as the line is free.
    pub(crate) fn send(&mut self, byte: u8, now: u64) {
        match self.front {
            Front::Direct => self.line.push_back((now, byte)),
            Front::Uart => {
                self.free_tenths = self.free_tenths.max(10 * now) + BYTE_TENTHS;
                let arrives = (self.free_tenths - EARLY_TENTHS) / 10;
                self.line.push_back((arrives, byte));
            }
        }
    }

    /// The byte that the parser can take in a cycle.
    pub(crate) fn offer(&mut self, now: u64) -> Option<u8> {
        match self.front {
            Front::Direct => self.line.front().filter(|(at, _)| *at <= now).map(|b| b.1),
            Front::Uart => {
                while let Some(&(at, byte)) = self.line.front()
                    && at <= now
                {
                    self.line.pop_front();
                    if self.fifo.len() < FIFO {
                        self.fifo.push_back(byte);
                    } else {
                        self.lost += 1;
                    }
                }
                self.fifo.front().copied()
            }
        }
    }

    /// The byte that was offered is taken.
    pub(crate) fn take(&mut self) {
        match self.front {
            Front::Direct => self.line.pop_front().map(|(_, byte)| byte),
            Front::Uart => self.fifo.pop_front(),
        };
    }

    /// When the next byte arrives, in cycles; `None` when none is on its way.
    pub(crate) fn next_arrival(&self, now: u64) -> Option<u64> {
        let next = self.line.front().map(|(at, _)| *at);
        next.filter(|at| self.front == Front::Uart || *at > now)
    }

    pub(crate) fn front(&self) -> Front {
        self.front
    }

    /// Whether a byte waits to be taken.
    pub(crate) fn waits(&self, now: u64) -> bool {
        match self.front {
            Front::Direct => self.line.front().is_some_and(|(at, _)| *at <= now),
            Front::Uart => !self.fifo.is_empty(),
        }
    }

    /// Whether nothing is on its way or waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.line.is_empty() && self.fifo.is_empty()
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// When the line has sent all, in cycles.
    pub(crate) fn free(&self) -> u64 {
        self.free_tenths.div_ceil(10)
    }
}
