//! What a campaign does at every step, it does in memory that it already has.

use beacon_host::train::{Trainer, TrainerConfig};
use beacon_kernel::Network;

const WINDOW: usize = 16;
const POINTS: usize = 37;

/// Patches without a pattern, and responses that follow from their brightness.
fn data() -> (Vec<f32>, Vec<f64>) {
    let pixel = |i: usize| (i as f64 * 0.618_033_988_749).fract() as f32 - 0.5;
    let patches: Vec<f32> = (0..POINTS * WINDOW * WINDOW).map(pixel).collect();
    let brightness = |patch: &[f32]| f64::from(patch[..40].iter().sum::<f32>());
    let responses = patches.chunks(WINDOW * WINDOW).map(brightness).collect();
    (patches, responses)
}

/// On one thread, since the counter counts those of the thread it is asked on; the work is split
/// alike for any number of them. Buffers grow now and then, patches and matrices every 16 points:
/// here between 34 and 35 points and not after.
#[test]
fn a_step_of_training_allocates_nothing() {
    let (patches, responses) = data();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.build().unwrap().install(|| {
        let network = Network::for_window(WINDOW).unwrap();
        let mut trainer = Trainer::new(network, TrainerConfig::default()).unwrap();
        let mut allocations = |points: usize| {
            let counted = allocation_counter::measure(|| {
                let patches = &patches[..points * WINDOW * WINDOW];
                trainer.fit(patches, &responses[..points]).unwrap();
                trainer.model().validate().unwrap();
            });
            counted.count_total
        };
        assert!(allocations(34) > 0, "nothing was counted");
        allocations(35);
        assert_eq!([36, POINTS].map(allocations), [0, 0]);
    });
}
