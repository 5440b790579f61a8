//! The kernel's evaluation of new weights, for a processor with wide lanes.

use beacon_kernel::Band;
use multiversion::multiversion;

/// The kernel's own code, compiled for the widest lanes of the processor: each sum has its terms in the same
/// order, and no product is fused with one.
#[multiversion(targets("x86_64+avx2"))]
pub fn evaluate_band(band: &mut Band<'_>, workspace: &mut [f32]) {
    band.evaluate(workspace);
}
