//! A line that drops, flips, duplicates, truncates and delays, from a seed.

use std::collections::VecDeque;

use beacon_kernel::link::Transport;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro128PlusPlus;

/// How often each kind of damage befalls a frame, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// The whole frame is lost.
    pub lose: f64,
    /// One byte is lost.
    pub drop: f64,
    /// One bit is flipped.
    pub flip: f64,
    /// The frame comes twice.
    pub duplicate: f64,
    /// The frame ends early, without its closing zero.
    pub truncate: f64,
    /// The frame, and whatever follows it, comes late.
    pub delay: f64,
}

impl Faults {
    /// The same rate for every kind.
    pub fn all(rate: f64) -> Self {
        Self {
            lose: rate,
            drop: rate,
            flip: rate,
            duplicate: rate,
            truncate: rate,
            delay: rate,
        }
    }
}

/// How many frames were damaged, by kind in the order of [`Faults`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Frames that passed or should have.
    pub frames: u32,
    /// Damaged frames of each kind.
    pub kinds: [u32; 6],
}

/// One direction of the line: collects a frame, damages it, lets it go.
struct Direction {
    frame: Vec<u8>,
    /// When to let go what.
    queue: VecDeque<(u64, Vec<u8>)>,
}

impl Direction {
    fn new() -> Self {
        Self {
            frame: Vec::new(),
            queue: VecDeque::new(),
        }
    }

    fn take(&mut self, byte: u8, now: u64, chance: &mut Chance) {
        self.frame.push(byte);
        if byte == 0 && self.frame.iter().any(|&byte| byte != 0) {
            let frame = std::mem::take(&mut self.frame);
            // A serial line keeps the order: nothing overtakes what is late.
            let after = self.queue.back().map_or(now, |(at, _)| *at);
            chance.damage(frame, now.max(after), &mut self.queue);
        }
    }

    fn release(&mut self, now: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.queue.front().is_some_and(|(at, _)| *at <= now) {
            bytes.extend(self.queue.pop_front().unwrap_or_default().1);
        }
        bytes
    }
}

struct Chance {
    random: Xoshiro128PlusPlus,
    faults: Faults,
    damage: Damage,
}

impl Chance {
    fn happens(&mut self, kind: usize, rate: f64) -> bool {
        let happens = f64::from(self.random.next_u32()) < rate * 4_294_967_296.0;
        self.damage.kinds[kind] += u32::from(happens);
        happens
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.random.next_u64() % bound.max(1) as u64) as usize
    }

    fn damage(&mut self, mut frame: Vec<u8>, now: u64, queue: &mut VecDeque<(u64, Vec<u8>)>) {
        let faults = self.faults;
        self.damage.frames += 1;
        if self.happens(0, faults.lose) {
            return;
        }
        if self.happens(1, faults.drop) {
            let at = self.below(frame.len());
            frame.remove(at);
        }
        if self.happens(2, faults.flip) {
            let at = self.below(8 * frame.len());
            frame[at / 8] ^= 1 << (at % 8);
        }
        let copies = 1 + usize::from(self.happens(3, faults.duplicate));
        if self.happens(4, faults.truncate) {
            let length = self.below(frame.len());
            frame.truncate(length);
        }
        let late = if self.happens(5, faults.delay) {
            1 + self.below(400) as u64
        } else {
            0
        };
        for _ in 0..copies {
            queue.push_back((now + late, frame.clone()));
        }
    }
}

/// A transport over a bad line.
pub struct FaultyTransport<T> {
    /// The good line below.
    pub inner: T,
    /// Whether the line is cut: nothing passes, nothing is kept.
    pub cut: bool,
    /// How many more frames come back before the host is deaf, if it is to become so.
    pub deaf_after: Option<u32>,
    chance: Chance,
    out: Direction,
    back: Direction,
    arrived: VecDeque<u8>,
    zeros: u32,
}

impl<T: Transport> FaultyTransport<T> {
    /// A line with these faults, the same for the same seed.
    pub fn new(inner: T, faults: Faults, seed: u64) -> Self {
        Self {
            inner,
            cut: false,
            deaf_after: None,
            chance: Chance {
                random: Xoshiro128PlusPlus::seed_from_u64(seed),
                faults,
                damage: Damage::default(),
            },
            out: Direction::new(),
            back: Direction::new(),
            arrived: VecDeque::new(),
            zeros: 0,
        }
    }

    /// What was damaged so far, both directions together.
    pub fn damage(&self) -> Damage {
        self.chance.damage
    }

    fn forward(&mut self) -> Result<(), T::Error> {
        let now = self.inner.now_ms();
        let bytes = self.out.release(now);
        if !bytes.is_empty() && !self.cut {
            self.inner.send(&bytes)?;
        }
        Ok(())
    }
}

impl<T: Transport> Transport for FaultyTransport<T> {
    type Error = T::Error;

    fn send(&mut self, bytes: &[u8]) -> Result<(), T::Error> {
        let now = self.inner.now_ms();
        for &byte in bytes {
            self.out.take(byte, now, &mut self.chance);
        }
        self.forward()
    }

    fn receive(&mut self, buffer: &mut [u8], timeout_ms: u32) -> Result<usize, T::Error> {
        let deadline = self.inner.now_ms() + u64::from(timeout_ms);
        loop {
            self.forward()?;
            let mut bytes = [0; 512];
            let length = self.inner.receive(&mut bytes, 1)?;
            let now = self.inner.now_ms();
            if !self.cut {
                for &byte in &bytes[..length] {
                    self.back.take(byte, now, &mut self.chance);
                }
            }
            for byte in self.back.release(now) {
                match (&mut self.deaf_after, byte) {
                    (Some(0), _) => continue,
                    // Every frame has two zeros.
                    (Some(left), 0) => {
                        self.zeros += 1;
                        *left -= u32::from(self.zeros.is_multiple_of(2));
                    }
                    _ => {}
                }
                self.arrived.push_back(byte);
            }
            if !self.arrived.is_empty() || now >= deadline {
                break;
            }
        }
        let length = buffer.len().min(self.arrived.len());
        for (slot, byte) in buffer.iter_mut().zip(self.arrived.drain(..length)) {
            *slot = byte;
        }
        Ok(length)
    }

    fn now_ms(&mut self) -> u64 {
        self.inner.now_ms()
    }
}
