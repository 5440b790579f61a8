//! What the tests across kernel, host and firmware have in common: a small campaign, a
//! controller in memory, a line that damages what passes over it, DTMicroscope's server, and our
//! side of the comparison with other software.

pub mod bridge_standin;
pub mod campaign;
mod controller_memory;
pub mod dtmicroscope;
pub mod emulated;
pub mod every_message;
pub mod faulty;
pub mod live;
mod nucleo;
pub mod peer;
mod replay;
pub mod rig;
pub mod standin_data;
pub mod unreliable;
mod wire;

pub use campaign::{Bench, Step};
pub use controller_memory::{ControllerMemory, ExplorerMemory, LIMITS};
pub use dtmicroscope::DtServer;
pub use emulated::EmulatedBoard;
pub use faulty::{Faults, FaultyTransport};
pub use nucleo::{NucleoBoard, NucleoState, Pulse};
pub use rig::{BeamEvent, Rig, TestBoard};
pub use wire::Wire;

pub use replay::{
    golden, in_process, pfm, pfm_folder, published_seeds, run, specimen, specimen_of,
};
