//! Numbers that look random and are the same for the same seed (Steele, Lea and Flood, *Fast splittable pseudorandom number
//! generators*, OOPSLA 2014).

pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below another.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).expect("a number of 64 bits");
        usize::try_from(self.number() % end).expect("it is below a number that fits")
    }

    /// A number from `least` to `most`, small ones as often as large ones: each power of two is as likely.
    pub(crate) fn size(&mut self, least: usize, most: usize) -> usize {
        let span = most / least.max(1);
        let shift = self.below(span.max(1).ilog2() as usize + 1);
        let start = least << shift;
        (start + self.below(start.max(1))).clamp(least, most)
    }

    pub(crate) fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub(crate) fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}
