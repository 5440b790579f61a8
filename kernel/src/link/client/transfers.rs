//! What is sent in chunks: images, weights and spectra.

use core::convert::Infallible;
use core::ops::ControlFlow;

use super::super::frame::MAX_RAW;
use super::super::message::{Activation, Campaign, Edges, Measured, Next, Refusal, Reply, Request};
use super::super::transfer::{Kind, Sender};
use super::{Client, Failure, Transport};

/// A transfer under way. A client advances it between other requests.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'v> {
    sender: Sender<'v>,
    offset: u32,
}

impl Upload<'_> {
    /// Bytes that the controller has, and bytes in all.
    pub fn progress(&self) -> (u32, u32) {
        (self.offset, self.sender.length())
    }

    /// Whether everything arrived, so that it can be committed.
    pub fn is_complete(&self) -> bool {
        self.offset == self.sender.length()
    }
}

impl<T: Transport> Client<T> {
    /// Begins a campaign, whose windows lie inside the image, and sends its image.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn begin(
        &mut self,
        campaign: Campaign,
        image: &Sender<'_>,
    ) -> Result<(), Failure<T::Error>> {
        self.begin_with(campaign, Edges::Inside, image)
    }

    /// Begins a campaign and sends its image.
    ///
    /// # Errors
    /// As [`Self::announce`].
    pub fn begin_with(
        &mut self,
        campaign: Campaign,
        edges: Edges,
        image: &Sender<'_>,
    ) -> Result<(), Failure<T::Error>> {
        self.announce(campaign, edges)?;
        match self.deliver(image, Activation::Image)? {
            Reply::Done => Ok(()),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Begins a campaign, whose image is still to be [delivered](Self::deliver).
    ///
    /// # Errors
    /// [`Failure`]; [`Failure::Missing`] when the controller knows no edges but
    /// [`Edges::Inside`].
    pub fn announce(&mut self, campaign: Campaign, edges: Edges) -> Result<(), Failure<T::Error>> {
        self.done(&match edges {
            Edges::Inside => Request::Begin(campaign),
            Edges::Reflect => Request::BeginWith { campaign, edges },
        })
    }

    /// [`Self::announce`] for a campaign of several responses of a place.
    ///
    /// # Errors
    /// [`Failure`]; [`Failure::Missing`] when the controller knows but one response, and a refusal when
    /// it has no room for as many.
    pub fn announce_vectors(
        &mut self,
        campaign: Campaign,
        edges: Edges,
        responses: u8,
    ) -> Result<(), Failure<T::Error>> {
        if responses == 1 {
            return self.announce(campaign, edges);
        }
        self.done(&Request::BeginVectors {
            campaign,
            edges,
            responses,
        })
    }

    /// Announces a transfer, or goes on with the same one where it stopped.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn upload<'v>(&mut self, sender: Sender<'v>) -> Result<Upload<'v>, Failure<T::Error>> {
        let offset = self.progress(&Request::Transfer(sender.descriptor()), &[])?;
        Ok(Upload { sender, offset })
    }

    /// Sends the next chunk; whether everything has arrived.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn advance(&mut self, upload: &mut Upload<'_>) -> Result<bool, Failure<T::Error>> {
        if !upload.is_complete() {
            let mut chunk = [0; MAX_RAW];
            let room = chunk.get_mut(..self.max_raw).unwrap_or_default();
            let length = upload.sender.chunk(upload.offset, room);
            let request = Request::Chunk {
                kind: upload.sender.descriptor().payload.kind(),
                offset: upload.offset,
            };
            upload.offset = self.progress(&request, chunk.get(..length).unwrap_or_default())?;
        }
        Ok(upload.is_complete())
    }

    /// Makes a complete transfer take effect.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn commit(&mut self, activation: Activation) -> Result<Reply, Failure<T::Error>> {
        self.request(&Request::Commit(activation), &[])
    }

    /// Sends a whole transfer and makes it take effect; a model whose weights fit in one frame, in
    /// one request.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn deliver(
        &mut self,
        sender: &Sender<'_>,
        activation: Activation,
    ) -> Result<Reply, Failure<T::Error>> {
        let on = |_: &Upload<'_>| ControlFlow::<Infallible>::Continue(());
        let ControlFlow::Continue(reply) = self.deliver_watched(sender, activation, on)?;
        Ok(reply)
    }

    /// [`Self::deliver`], which asks `watch` before every chunk whether to go on. After a break the
    /// controller keeps what has arrived, and the same transfer goes on there.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn deliver_watched<B>(
        &mut self,
        sender: &Sender<'_>,
        activation: Activation,
        mut watch: impl FnMut(&Upload<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B, Reply>, Failure<T::Error>> {
        let weights = sender.descriptor();
        let whole = match activation {
            Activation::Model(header) => Some(Request::Load { weights, header }),
            Activation::ModelOfVectors { header, others } => Some(Request::LoadVectors {
                weights,
                header,
                others,
            }),
            Activation::Image | Activation::Spectrum { .. } => None,
        };
        if let Some(load) = whole
            && self.version >= 2
            && sender.length() as usize <= self.max_raw
        {
            let mut chunk = [0; MAX_RAW];
            let length = sender.chunk(0, &mut chunk);
            let raw = chunk.get(..length).unwrap_or_default();
            let reply = self.request(&load, raw)?;
            return Ok(ControlFlow::Continue(reply));
        }
        let mut tries = 0;
        loop {
            let mut upload = self.upload(*sender)?;
            while !upload.is_complete() {
                if let ControlFlow::Break(why) = watch(&upload) {
                    return Ok(ControlFlow::Break(why));
                }
                self.advance(&mut upload)?;
            }
            match self.commit(activation) {
                Err(Failure::Refused(Refusal::Checksum)) if tries < 2 => tries += 1,
                result => return result.map(ControlFlow::Continue),
            }
        }
    }

    /// Forgets a transfer.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn abort(&mut self, kind: Kind) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Abort { kind })
    }

    /// Sends a spectrum, which the controller reduces to the response that it takes.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn measure_spectrum(
        &mut self,
        spectrum: &Sender<'_>,
        next: Next,
    ) -> Result<Measured, Failure<T::Error>> {
        match self.deliver(spectrum, Activation::Spectrum { next })? {
            Reply::Measured(measured) => Ok(measured),
            _ => Err(Failure::Unexpected),
        }
    }

    fn progress(&mut self, request: &Request, raw: &[u8]) -> Result<u32, Failure<T::Error>> {
        match self.request(request, raw)? {
            Reply::Progress { received } => Ok(received),
            _ => Err(Failure::Unexpected),
        }
    }
}
