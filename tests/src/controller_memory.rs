//! What kernel and controller borrow.

use beacon_kernel::link::message::DoseLimits;
use beacon_kernel::link::{Controller, Limits, Memory, frame};
use beacon_kernel::{Acquisition, Capacity, Explorer, Storage};

/// What a kernel borrows.
pub struct ExplorerMemory {
    capacity: Capacity,
    floats: Vec<f32>,
    words: Vec<u32>,
}

impl ExplorerMemory {
    /// Memory for a capacity, full of rubbish.
    pub fn new(capacity: Capacity) -> Self {
        Self {
            capacity,
            floats: vec![f32::NAN; capacity.floats()],
            words: vec![u32::MAX; capacity.words()],
        }
    }

    /// A kernel with the default strategy.
    ///
    /// # Panics
    /// When the memory is not what the kernel asks for.
    pub fn explorer(&mut self, seed: u64) -> Explorer<'_> {
        let storage = Storage::new(self.capacity, &mut self.floats, &mut self.words);
        let storage = storage.expect("enough memory");
        Explorer::new(storage, Acquisition::default(), seed).expect("an explorer")
    }
}

/// What an in-memory controller borrows.
pub struct ControllerMemory {
    kernel: ExplorerMemory,
    receive: Vec<u8>,
    reply: Vec<u8>,
    staging: Vec<f32>,
    doses: Vec<u32>,
}

impl ControllerMemory {
    /// Memory for a capacity, full of rubbish.
    pub fn new(capacity: Capacity) -> Self {
        Self {
            kernel: ExplorerMemory::new(capacity),
            receive: vec![0xAA; frame::MAX_BODY],
            reply: vec![0xAA; frame::MAX_FRAME],
            staging: vec![f32::NAN; Memory::staging(capacity)],
            doses: vec![u32::MAX; Memory::doses(capacity)],
        }
    }

    /// A controller after reset.
    ///
    /// # Panics
    /// When the memory is not what the controller asks for.
    pub fn controller(&mut self) -> Controller<'_> {
        let memory = Memory {
            receive: &mut self.receive,
            reply: &mut self.reply,
            staging: &mut self.staging,
            doses: &mut self.doses,
        };
        Controller::new(self.kernel.explorer(0), memory, LIMITS).expect("a controller")
    }
}

/// The ceiling of a board in memory.
pub const LIMITS: Limits = Limits {
    dose: DoseLimits {
        pixel_us: 1_000_000,
        total_us: 4_000_000_000,
    },
    work_ms: 50,
};
