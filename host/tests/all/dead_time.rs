//! The time between exposures, against the clock of the instrument that makes them.

use std::thread::sleep;
use std::time::{Duration, Instant};

use beacon_host::campaign::LiveConfig;
use beacon_host::data::{Channels, Map};
use beacon_host::microscope::{
    Acquired, Beam, Microscope, MicroscopeChoice, MicroscopeError, Position,
};

const MOVING: Duration = Duration::from_millis(4);
const BEGINNING: Duration = Duration::from_millis(5);
const READING: Duration = Duration::from_millis(3);
const DWELL: f64 = 2e-3;

/// An instrument that takes its time, and notes when it exposed.
struct Timed {
    channels: Channels,
    at: Position,
    exposures: Vec<(Instant, Instant)>,
    moves: Vec<Instant>,
}

impl Microscope for Timed {
    fn description(&self) -> String {
        "an instrument with a clock".to_owned()
    }

    fn channels(&self) -> &Channels {
        &self.channels
    }

    fn beam(&self) -> Beam {
        Beam::default()
    }

    fn overview(&mut self) -> Result<Map, MicroscopeError> {
        let pixels = (0..32 * 32).map(|n| f64::from(n % 32 * (n / 32)).sin());
        Ok(Map::uncalibrated(32, 32, pixels.collect(), "brightness"))
    }

    fn move_to(&mut self, position: Position) -> Result<(), MicroscopeError> {
        self.moves.push(Instant::now());
        sleep(MOVING);
        self.at = position;
        Ok(())
    }

    fn acquire(&mut self, dwell: Duration, _: &str) -> Result<Acquired, MicroscopeError> {
        sleep(BEGINNING);
        let begun = Instant::now();
        sleep(dwell);
        let over = Instant::now();
        self.exposures.push((begun, over));
        sleep(READING);
        Ok(Acquired {
            spectrum: vec![(9.0 * self.at.x).sin() + self.at.y],
            detectors: Vec::new(),
            live_time: dwell.into(),
            real_time: (over - begun).into(),
        })
    }

    fn blank(&mut self) -> Result<(), MicroscopeError> {
        Ok(())
    }

    fn reconnect(&mut self) -> Result<(), MicroscopeError> {
        Ok(())
    }
}

/// What the instrument's clock says of all gaps together and what the host's says differ by the first
/// read-out and the last: no more, whatever else the computer does.
#[test]
fn dead_time_is_what_the_instruments_clock_says() {
    let mut timed = Timed {
        channels: Channels::numbered(1, "signal"),
        at: Position { x: 0.5, y: 0.5 },
        exposures: Vec::new(),
        moves: Vec::new(),
    };
    let choice = MicroscopeChoice::Own("timed".to_owned());
    let config = LiveConfig {
        dwell: Some(DWELL),
        ..LiveConfig::new(choice, 14)
    };
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("campaign");
    let outcome = beacon_host::run(&mut timed, config, &folder, &mut ()).unwrap();
    let after = Instant::now();
    let dead = outcome.dead_time;

    let exposures = &timed.exposures;
    assert_eq!((exposures.len(), dead.gaps), (14, 13));
    let gaps = exposures.windows(2).map(|pair| pair[1].0 - pair[0].1);
    let own = gaps.sum::<Duration>().as_secs_f64();
    let first = (timed.moves[1] - exposures[0].1).as_secs_f64();
    let last = (after - exposures[13].1).as_secs_f64();
    let further = dead.whole - own;
    assert!(-first < further && further < last, "{own}: {dead:?}");

    let at_least = |each: Duration| 13.0 * each.as_secs_f64();
    assert!(dead.instrument >= at_least(BEGINNING + READING), "{dead:?}");
    assert!(dead.moving >= at_least(MOVING), "{dead:?}");
    assert!(dead.deciding > 0.0 && dead.training > 0.0 && dead.recording > 0.0);
    let parts = [
        dead.instrument,
        dead.recording,
        dead.telling,
        dead.training,
        dead.handing_over,
        dead.deciding,
        dead.monitoring,
        dead.moving,
        dead.commanding,
        dead.overviews,
        dead.waiting,
        dead.rest,
    ];
    assert!(parts.iter().all(|&part| part > -1e-9), "{dead:?}");
    assert!((parts.iter().sum::<f64>() - dead.whole).abs() < 1e-9);
    assert!(dead.longest >= dead.whole / 13.0);
    assert!(dead.board.is_none());
}
