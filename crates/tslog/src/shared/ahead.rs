//! Records that a reader holds ready.

/// Sound records behind the cursor that were not handed out yet. Without them, each record would
/// cost a check of its whole frame.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    pub(super) bytes: Vec<u8>,
    /// Where in `bytes` the next record begins.
    pub(super) begin: usize,
    pub(super) count: u32,
}

impl Ahead {
    pub(super) fn next(&self, size: usize) -> Option<&[u8]> {
        (self.count > 0).then(|| self.bytes.get(self.begin..)?.get(..size)).flatten()
    }

    pub(super) fn take(&mut self, count: u32, size: usize) {
        self.count = self.count.saturating_sub(count);
        self.begin = self.begin.saturating_add(size.saturating_mul(count as usize));
    }
}
