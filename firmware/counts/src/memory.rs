//! What an image lends the kernel.

use beacon_kernel::{Acquisition, Capacity, Explorer, Storage};

/// Borrowed memory for a capacity; [`memory`](crate::memory!) makes it.
pub struct Lent {
    /// What it was cut for.
    pub capacity: Capacity,
    /// The explorer's numbers, but for those below.
    pub floats: &'static mut [f32],
    /// What its inner loops work on.
    pub workspace: &'static mut [f32],
    /// The explorer's indices.
    pub words: &'static mut [u32],
    /// An image.
    pub image: &'static mut [f32],
    /// The weights of a network.
    pub weights: &'static mut [f32],
}

impl Lent {
    /// An explorer in this memory, and the places for an image and for weights.
    pub(crate) fn explorer(self) -> (Explorer<'static>, &'static mut [f32], &'static mut [f32]) {
        let Self {
            capacity,
            floats,
            workspace,
            words,
            ..
        } = self;
        let storage = Storage::with_workspace(capacity, floats, workspace, words);
        let storage = storage.expect("memory is as long as the capacity asks");
        let explorer = Explorer::new(storage, Acquisition::default(), 1);
        let explorer = explorer.expect("the default strategy is valid");
        (explorer, self.image, self.weights)
    }
}

/// [`Lent`] memory for a constant [`Capacity`], from statics; to be asked for once.
#[macro_export]
macro_rules! memory {
    ($capacity:expr) => {{
        use ::beacon_firmware::board::memory::Once;
        // Where the controller's image has it: in the DTCM, unless that is too small.
        const FAST: bool = $capacity.workspace() <= ::beacon_kernel::Capacity::DEFAULT.workspace();
        const NEAR: usize = if FAST { $capacity.workspace() } else { 0 };
        const FAR: usize = $capacity.workspace() - NEAR;
        static WORKSPACE: Once<[f32; NEAR]> = Once::new([0.0; NEAR]);
        ::beacon_firmware::large! { LARGE_WORKSPACE: [f32; FAR] }
        ::beacon_firmware::large! { FLOATS: [f32; $capacity.floats() - $capacity.workspace()] }
        ::beacon_firmware::large! { WORDS: [u32; $capacity.words()] }
        ::beacon_firmware::large! { IMAGE: [f32; $capacity.image_pixels] }
        ::beacon_firmware::large! { WEIGHTS: [f32; $capacity.weights()] }
        $crate::Lent {
            capacity: $capacity,
            floats: FLOATS.take().expect("asked for once"),
            workspace: if FAST {
                WORKSPACE.take().expect("asked for once")
            } else {
                LARGE_WORKSPACE.take().expect("asked for once")
            },
            words: WORDS.take().expect("asked for once"),
            image: IMAGE.take().expect("asked for once"),
            weights: WEIGHTS.take().expect("asked for once"),
        }
    }};
}

/// Memory of a controller besides the explorer's, from statics; to be asked for once.
#[macro_export]
macro_rules! controller_memory {
    ($capacity:expr) => {{
        use ::beacon_firmware::board::memory::Once;
        use ::beacon_kernel::link::{Memory, frame};
        static RECEIVE: Once<[u8; frame::MAX_BODY]> = Once::new([0; frame::MAX_BODY]);
        static REPLY: Once<[u8; frame::MAX_FRAME]> = Once::new([0; frame::MAX_FRAME]);
        ::beacon_firmware::large! { STAGING: [f32; Memory::staging($capacity)] }
        ::beacon_firmware::large! { DOSES: [u32; Memory::doses($capacity)] }
        Memory {
            receive: RECEIVE.take().expect("asked for once"),
            reply: REPLY.take().expect("asked for once"),
            staging: STAGING.take().expect("asked for once"),
            doses: DOSES.take().expect("asked for once"),
        }
    }};
}
