//! The scan controller's image: one loop between the link and the beam.

#![no_std]
#![no_main]

mod board;
mod panic;

use board::{Board, Selected};

#[cortex_m_rt::entry]
fn main() -> ! {
    let Some(mut board) = Selected::take() else {
        board::reset(&beacon_firmware::crash::Message::new().with("the board was taken twice"));
    };
    let mut bytes = [0; 64];
    loop {
        board.feed_watchdog();
        let count = board.receive(&mut bytes);
        let mut rest = bytes.get(..count).unwrap_or_default();
        while !rest.is_empty() {
            let sent = board.send(rest);
            rest = rest.get(sent..).unwrap_or_default();
        }
        if count == 0 {
            board.sleep();
        }
    }
}
