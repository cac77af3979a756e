//! Numbers as if by chance, the same with every run.

/// A generator of evenly spread numbers (splitmix64), the same for the same seed.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Puts them into an order that is drawn.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, usize::try_from(self.below(last as u64 + 1)).unwrap_or(last));
        }
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn each_order_is_drawn_about_as_often_as_the_others() {
        let mut random = Random::new(1);
        let mut drawn = std::collections::BTreeMap::new();
        for _ in 0..6000 {
            let mut order = [0, 1, 2];
            random.shuffle(&mut order);
            *drawn.entry(order).or_insert(0) += 1;
        }
        assert!(
            drawn.len() == 6 && drawn.values().all(|times| (850..1150).contains(times)),
            "{drawn:?}"
        );
    }
}
