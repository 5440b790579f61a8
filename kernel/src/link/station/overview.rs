//! Overviews: exposures one after another, and the room for transfers holds what they gave.

use super::super::board::Board;
use super::super::frame::Checksum;
use super::super::message::{BlankReason, Phase, Raster, Reading, Refusal, Reply, Which};
use super::{PAGE, Page, Station, append, candidates, setting};

/// An overview that is under way, complete, or cut short.
pub(super) struct Overview {
    raster: Raster,
    /// The pixel that is exposed, and the number of its frame.
    at: (u32, u16),
    /// Whether its exposure was begun.
    begun: bool,
    /// CRC-32 of all values, once all are final.
    crc: Option<u32>,
}

impl Station<'_> {
    pub(super) fn begin_overview(
        &mut self,
        raster: Raster,
        board: &mut impl Board,
    ) -> Result<Reply, Refusal> {
        if !board.has_detector() {
            return Err(setting(Which::Detector, 0));
        }
        let (needed, capacity) = (raster.pixels(), self.staging.len());
        if needed as usize > capacity {
            let capacity = capacity as u32;
            return Err(Refusal::TooLarge { needed, capacity });
        }
        let campaign = match (self.phase, self.campaign) {
            (Phase::Running | Phase::AwaitingImage, Some(campaign)) => {
                Some(candidates(campaign, self.edges)?)
            }
            _ => None,
        };
        let pixel_dose_us = self.beam.begin_overview(&raster, campaign, board)?;
        self.bulk = None;
        self.overview = Some(Overview {
            raster,
            at: (0, 0),
            begun: false,
            crc: None,
        });
        Ok(Reply::Exposed {
            pixel_dose_us,
            total_dose_us: self.beam.dose_us,
        })
    }

    /// Whether an exposure or an overview is under way.
    pub(in super::super) fn is_exposing(&self, board: &mut impl Board) -> bool {
        self.beam.takes_overview() || board.exposing()
    }

    /// Whether an overview is under way.
    pub(in super::super) fn takes_overview(&self) -> bool {
        self.beam.takes_overview()
    }

    /// Notes the end of an exposure, and goes on to the next pixel of an overview.
    pub(in super::super) fn watch(&mut self, board: &mut impl Board) {
        if !self.beam.takes_overview() {
            self.beam.watch(board);
        } else if !board.exposing() {
            self.go_on(board);
        }
    }

    fn go_on(&mut self, board: &mut impl Board) {
        let Some(overview) = &mut self.overview else {
            self.beam.blank(board, BlankReason::Request);
            return;
        };
        let Raster { frames, .. } = overview.raster;
        let pixels = overview.raster.pixels();
        if overview.begun {
            let Ok(reading) = self.beam.read(board) else {
                return;
            };
            let value = reading.and_then(Reading::usable);
            let (pixel, frame) = overview.at;
            if let Some(sum) = self.staging.get_mut(pixel as usize) {
                let before = if frame == 0 { 0.0 } else { *sum };
                *sum = before + value.unwrap_or(f32::NAN);
                if frame + 1 == frames {
                    *sum /= f32::from(frames);
                }
            }
            overview.at = if pixel + 1 < pixels {
                (pixel + 1, frame)
            } else {
                (0, frame + 1)
            };
        }
        let (pixel, frame) = overview.at;
        if frame < frames {
            overview.begun = true;
            let raster = overview.raster;
            self.beam.expose_pixel(&raster, pixel, board);
        } else {
            let mut checksum = Checksum::new();
            for value in self.staging.iter().take(pixels as usize) {
                checksum.update(&value.to_le_bytes());
            }
            overview.crc = Some(checksum.value());
            self.beam.blank(board, BlankReason::Between);
        }
    }

    /// A page of the overview's values, as far as they are final.
    pub(super) fn list_pixels(&self, from: u32, page: &mut Page) -> Reply {
        let Some(overview) = &self.overview else {
            return Reply::Pixels {
                from,
                taken: 0,
                total: 0,
                crc: None,
            };
        };
        let Raster { frames, .. } = overview.raster;
        let total = overview.raster.pixels();
        let (pixel, frame) = overview.at;
        let taken = match overview.crc {
            Some(_) => total,
            None if frame + 1 == frames => pixel,
            None => 0,
        };
        let values = self.staging.get(from as usize..taken as usize);
        for value in values.unwrap_or_default().iter().take(PAGE / 4) {
            append(page, &value.to_le_bytes());
        }
        Reply::Pixels {
            from,
            taken,
            total,
            crc: overview.crc,
        }
    }

    pub(super) fn last_reading(&self, board: &mut impl Board) -> Result<Reply, Refusal> {
        if !board.has_detector() {
            return Err(setting(Which::Detector, 0));
        }
        let shortest_us = board.shortest_reading_us();
        if self.beam.settings.dwell_us < shortest_us {
            return Err(setting(Which::Dwell, shortest_us));
        }
        let over = !self.is_exposing(board) && board.beam_outcome().is_ok();
        Ok(Reply::Reading {
            exposures: self.beam.exposures,
            reading: if over { board.reading() } else { None },
        })
    }
}
