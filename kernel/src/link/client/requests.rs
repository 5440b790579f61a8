//! The requests one by one, each with the reply that belongs to it.

use super::super::message::{
    Acquisition, Configuration, Measured, Measurement, Next, Proposed, Pulse, Raster, Reading,
    Reduction, Region, Reply, Request, Settings, Several, Signals, Spot, Standardisation, Status,
    Vectors,
};
use super::super::scalarizer::Scalarizer;
use super::{Client, Failure, Transport};

impl<T: Transport> Client<T> {
    pub(super) fn done(&mut self, request: &Request) -> Result<(), Failure<T::Error>> {
        match self.request(request, &[])? {
            Reply::Done => Ok(()),
            _ => Err(Failure::Unexpected),
        }
    }

    /// The controller's state.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn status(&mut self) -> Result<Status, Failure<T::Error>> {
        match self.request(&Request::Status, &[])? {
            Reply::Status(status) => Ok(status),
            _ => Err(Failure::Unexpected),
        }
    }

    /// The settings in force on the controller.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn configuration(&mut self) -> Result<Configuration, Failure<T::Error>> {
        match self.request(&Request::Configuration, &[])? {
            Reply::Configuration(configuration) => Ok(configuration),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Every measurement from an index on, in order.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn measurements(
        &mut self,
        from: u32,
        each: impl FnMut(Measurement),
    ) -> Result<(), Failure<T::Error>> {
        self.measurements_of(0, from, each)
    }

    /// [`Self::measurements`] with another of several responses, counted from 0.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn measurements_of(
        &mut self,
        response: u8,
        from: u32,
        mut each: impl FnMut(Measurement),
    ) -> Result<(), Failure<T::Error>> {
        let mut from = from;
        loop {
            let request = match response {
                0 => Request::Measurements { from },
                _ => Request::MeasurementsOf { response, from },
            };
            let reply = self.request(&request, &[])?;
            let Reply::Measurements { total, .. } = reply else {
                return Err(Failure::Unexpected);
            };
            let mut page = 0;
            for &[a, b, c, d, e, f, g, h] in self.raw().as_chunks().0 {
                each(Measurement {
                    candidate: u32::from_le_bytes([a, b, c, d]),
                    value: f32::from_le_bytes([e, f, g, h]),
                });
                page += 1;
            }
            from = from.saturating_add(page);
            if page == 0 || from >= total {
                return Ok(());
            }
        }
    }

    /// The posterior at every candidate, standardised: means and variances into the slices;
    /// returns how many there are, the variance of the noise and the standardisation.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn surrogate(
        &mut self,
        mean: &mut [f32],
        variance: &mut [f32],
    ) -> Result<(usize, f32, Standardisation), Failure<T::Error>> {
        self.surrogate_of(0, mean, variance)
    }

    /// [`Self::surrogate`] of another of several responses, counted from 0.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn surrogate_of(
        &mut self,
        response: u8,
        mean: &mut [f32],
        variance: &mut [f32],
    ) -> Result<(usize, f32, Standardisation), Failure<T::Error>> {
        let mut from = 0_usize;
        loop {
            let first = from as u32;
            let request = match response {
                0 => Request::Surrogate { from: first },
                _ => Request::SurrogateOf {
                    response,
                    from: first,
                },
            };
            let Reply::Surrogate {
                total,
                noise,
                standardisation,
                ..
            } = self.request(&request, &[])?
            else {
                return Err(Failure::Unexpected);
            };
            let means = mean.iter_mut().skip(from);
            let slots = means.zip(variance.iter_mut().skip(from));
            let page = self.raw().as_chunks().0;
            for ((mean, variance), &[a, b, c, d, e, f, g, h]) in slots.zip(page) {
                *mean = f32::from_le_bytes([a, b, c, d]);
                *variance = f32::from_le_bytes([e, f, g, h]);
            }
            from = from.saturating_add(page.len());
            if page.is_empty() || from >= total as usize {
                return Ok((from, noise, standardisation));
            }
        }
    }

    /// The message of the last panic, as much as fits; returns its length.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn last_panic(&mut self, message: &mut [u8]) -> Result<usize, Failure<T::Error>> {
        let mut from = 0_usize;
        loop {
            let request = Request::LastPanic { from: from as u32 };
            let Reply::LastPanic { total, .. } = self.request(&request, &[])? else {
                return Err(Failure::Unexpected);
            };
            let page = self.raw();
            for (own, byte) in message.iter_mut().skip(from).zip(page) {
                *own = *byte;
            }
            from = from.saturating_add(page.len());
            if page.is_empty() || from >= total as usize {
                return Ok(from.min(message.len()));
            }
        }
    }

    /// Forgets the last panic.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn clear_panic(&mut self) -> Result<(), Failure<T::Error>> {
        self.done(&Request::ClearPanic)
    }

    /// Sets the controller's counters to zero.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn reset_counters(&mut self) -> Result<(), Failure<T::Error>> {
        self.done(&Request::ResetCounters)
    }

    /// Changes the strategy from the next proposal on.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn choose(&mut self, acquisition: Acquisition) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Choose(acquisition))
    }

    /// Sets beam, dose limits and link time-out.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn configure(&mut self, settings: Settings) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Configure(settings))
    }

    /// Sets how a spectrum becomes a response.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn scalarize(&mut self, scalarizer: Scalarizer) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Scalarize(scalarizer))
    }

    /// Sets the origin that the controller subtracts from the responses of spectra.
    ///
    /// # Errors
    /// [`Failure`]; [`Undecodable`](crate::link::message::Refusal::Undecodable) from a controller of
    /// the first release, which has no origins.
    pub fn set_origin(&mut self, value: f64) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Origin { value })
    }

    /// Hands over a measured response.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn measure(
        &mut self,
        measurement: Measurement,
        next: Next,
    ) -> Result<Measured, Failure<T::Error>> {
        match self.request(&Request::Measure { measurement, next }, &[])? {
            Reply::Measured(measured) => Ok(measured),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Hands over all measured responses of a candidate; of one or none it is [`Self::measure`] that the
    /// controller is asked for.
    ///
    /// # Errors
    /// [`Failure`]; [`Failure::Missing`] of several when the controller knows but one, and
    /// [`Failure::TooLong`] for more than any has.
    pub fn measure_all(
        &mut self,
        candidate: u32,
        responses: &[f32],
        next: Next,
    ) -> Result<Measured, Failure<T::Error>> {
        if let [value] = *responses {
            return self.measure(Measurement { candidate, value }, next);
        }
        let responses = Several::new(responses).ok_or(Failure::TooLong)?;
        let request = Request::MeasureVector {
            candidate,
            responses,
            next,
        };
        match self.request(&request, &[])? {
            Reply::Measured(measured) => Ok(measured),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Sets how a spectrum becomes each of several responses, and what they are relative to.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn reduce_with(&mut self, reductions: Several<Reduction>) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Reduce(reductions))
    }

    /// How many responses there may be, and what was measured last.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn vectors(&mut self) -> Result<Vectors, Failure<T::Error>> {
        match self.request(&Request::Vectors, &[])? {
            Reply::Vectors(vectors) => Ok(vectors),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Asks for the candidate to measure next.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn propose(&mut self, expose: bool) -> Result<Proposed, Failure<T::Error>> {
        match self.request(&Request::Propose { expose }, &[])? {
            Reply::Proposed(proposed) => Ok(proposed),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Exposes a candidate's pixel; returns the dose of the pixel and of the campaign, in µs.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn expose(&mut self, candidate: u32) -> Result<(u32, u64), Failure<T::Error>> {
        self.exposed(&Request::Expose { candidate })
    }

    fn exposed(&mut self, request: &Request) -> Result<(u32, u64), Failure<T::Error>> {
        match self.request(request, &[])? {
            Reply::Exposed {
                pixel_dose_us,
                total_dose_us,
            } => Ok((pixel_dose_us, total_dose_us)),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Moves the blanked beam, while no campaign runs.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn point(&mut self, spot: Spot) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Point(spot))
    }

    /// Exposes a place, while no campaign runs; returns the dose of the place and of all since the
    /// last campaign began, in µs.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn pulse(&mut self, pulse: Pulse) -> Result<(u32, u64), Failure<T::Error>> {
        self.exposed(&Request::Pulse(pulse))
    }

    /// Sets which lines to a detector the exposures to come use.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn set_signals(&mut self, signals: Signals) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Signals(signals))
    }

    /// Begins an overview; returns the dose of the pixel that has had most, and of the campaign, in
    /// µs. [`Self::pixels`] tells its values.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn overview(&mut self, raster: Raster) -> Result<(u32, u64), Failure<T::Error>> {
        self.exposed(&Request::Overview(raster))
    }

    /// A page of an overview's values from a pixel on, as far as they are final, in order; how many
    /// are final, how many there are, and the CRC-32 of all bytes once all are final.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn pixels(
        &mut self,
        from: u32,
        mut each: impl FnMut(f32),
    ) -> Result<(u32, u32, Option<u32>), Failure<T::Error>> {
        let Reply::Pixels {
            taken, total, crc, ..
        } = self.request(&Request::Pixels { from }, &[])?
        else {
            return Err(Failure::Unexpected);
        };
        for value in self.raw().as_chunks().0 {
            each(f32::from_le_bytes(*value));
        }
        Ok((taken, total, crc))
    }

    /// What the detector gave in the last exposure, with the exposures of the campaign by then.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn reading(&mut self) -> Result<(u32, Option<Reading>), Failure<T::Error>> {
        match self.request(&Request::Reading, &[])? {
            Reply::Reading { exposures, reading } => Ok((exposures, reading)),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Has the controller run the line at another rate from now on, in bits a second. The transport
    /// has to follow, and a frame to arrive within [`BAUD_TRIAL_MS`](crate::link::BAUD_TRIAL_MS).
    ///
    /// # Errors
    /// [`Failure`]
    pub fn set_baud(&mut self, baud: u32) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Baud { baud })
    }

    /// Blanks the beam.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn blank(&mut self) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Blank)
    }

    /// Excludes a region of the image from all further proposals.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn exclude(&mut self, region: Region) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Exclude(region))
    }

    /// Ends a campaign.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn end(&mut self, campaign: u32) -> Result<(), Failure<T::Error>> {
        self.done(&Request::End { campaign })
    }
}
