//! Reading frames that lie whole in the window: what a reader meets as long as all is well.

use super::{
    probe::Probe,
    read::{Bounds, Position},
};
use crate::{
    layout::{bucket, crc::crc32c, frame, take},
    storage::Storage,
};

impl<S: Storage> Probe<'_, '_, S> {
    /// Copies records of frames that follow in the window, as long as they are whole, sound and
    /// durable, and returns how many. `at` stands at a frame that was taken to its end and moves to
    /// the last one copied. Whatever is out of the ordinary is left to [`Probe::read`].
    pub(crate) fn read_on(
        &mut self,
        bounds: &Bounds,
        at: &mut Position,
        next: u64,
        mut out: &mut [u8],
    ) -> u32 {
        let seed = bucket::seed(self.plan.base_seed, at.index);
        let (mut done, mut number) = (0_u32, next);
        let mut bytes = self.window.at_hand(at.index, at.offset);
        let Some((here, mut size)) = self.frame_at(bytes) else { return 0 };
        if !here.has_records() || here.count != at.taken {
            return 0;
        }
        // Frames of as many records begin alike, and are looked into once.
        let (mut head, mut head_crc) = (None, 0);
        let (mut frame, mut next_size) = (here, 0);
        loop {
            bytes = bytes.get(size as usize..).unwrap_or_default();
            let alike = head.is_some() && bytes.first_chunk() == head.as_ref();
            if !alike || bytes.len() < next_size as usize {
                let Some((other, other_size)) = self.frame_at(bytes) else { return done };
                (frame, next_size, head) = (other, other_size, Some(other.head()));
                head_crc = crc32c(seed, &other.head());
            }
            frame.crc = u32::from_le_bytes(take(bytes, 4));
            let count = u32::from(frame.count);
            let end = number.saturating_add(u64::from(count));
            let durable = end <= bounds.last.saturating_add(1) && count <= at.left;
            let len = count.saturating_mul(self.plan.record_size) as usize;
            if !frame.has_records() || count == 0 || !durable || out.len() < len {
                return done;
            }
            let payload = bytes.get(frame::SIZE..next_size as usize).unwrap_or_default();
            if !frame.begins_with(crc32c(head_crc, payload), number) {
                return done;
            }
            let (room, rest) = out.split_at_mut_checked(len).unwrap_or_default();
            room.copy_from_slice(payload.get(..len).unwrap_or_default());
            (at.offset, at.taken) = (at.offset.saturating_add(size), 0);
            at.take(count);
            done = done.saturating_add(count);
            (number, out, size) = (end, rest, next_size);
        }
    }

    /// The header of the frame that `bytes` begin with, and its size, if they hold all of it.
    fn frame_at(&self, bytes: &[u8]) -> Option<(frame::FrameHeader, u32)> {
        let header = frame::decode_at(bytes.get(..frame::SIZE)?)?;
        let size = self.plan.frame_size(header)?;
        (bytes.len() >= size as usize).then_some((header, size))
    }
}
