/// Lists, laid out one behind the other in one.
#[derive(Debug)]
pub(super) struct Grouped<T> {
    items: Vec<T>,
    /// Where each list begins, and where the last one ends.
    starts: Vec<u32>,
}

impl<T> Default for Grouped<T> {
    fn default() -> Self {
        Self { items: Vec::new(), starts: vec![0] }
    }
}

impl<T> Grouped<T> {
    /// Appends a list.
    ///
    /// # Panics
    ///
    /// If there are 2³² items in all, for which there is no memory; see [`super::position`].
    pub(super) fn push(&mut self, items: impl IntoIterator<Item = T>) {
        self.items.extend(items);
        self.starts.push(u32::try_from(self.items.len()).expect("fewer than 2^32 items"));
    }

    /// The list at an index.
    pub(super) fn list(&self, index: usize) -> &[T] {
        &self.items[self.starts[index] as usize..self.starts[index + 1] as usize]
    }

    /// All items.
    pub(super) fn items(&self) -> &[T] {
        &self.items
    }

    pub(super) fn into_items(self) -> Vec<T> {
        self.items
    }

    /// Bytes, without what the items own.
    pub(super) fn memory_usage(&self) -> usize {
        self.items.capacity() * size_of::<T>() + self.starts.capacity() * size_of::<u32>()
    }
}
