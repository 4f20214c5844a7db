//! Memory for residues that is used again: a refresh needs as much of it as ninety ciphertexts take, and getting it
//! anew from the operating system costs as much as filling it.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Buffers of one length that are free.
pub(super) struct Buffers {
    length: usize,
    /// The most that are kept.
    most: usize,
    free: Mutex<Vec<Vec<u64>>>,
}

impl Buffers {
    /// Keeps up to `most` buffers of `length` words.
    pub(super) fn new(length: usize, most: usize) -> Buffers {
        Buffers { length, most, free: Mutex::default() }
    }

    /// A buffer of any contents. It returns when it is dropped.
    pub(super) fn take(&self) -> Buffer<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut words = free.unwrap_or_default();
        words.resize(self.length, 0);
        Buffer { words, home: self }
    }
}

/// Words on loan.
pub(super) struct Buffer<'b> {
    words: Vec<u64>,
    home: &'b Buffers,
}

impl<'b> Buffer<'b> {
    /// Keeps the memory of `words`, if it has the right size, when the buffer is dropped.
    pub(super) fn adopt(words: Vec<u64>, home: &'b Buffers) -> Buffer<'b> {
        Buffer { words, home }
    }

    /// Keeps the first words only.
    pub(super) fn shorten(&mut self, length: usize) {
        self.words.truncate(length);
    }

    /// The words, which do not return.
    pub(super) fn into_words(mut self) -> Vec<u64> {
        std::mem::take(&mut self.words)
    }

    /// The home of the memory.
    pub(super) fn home(&self) -> &'b Buffers {
        self.home
    }
}

impl Deref for Buffer<'_> {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.words
    }
}

impl DerefMut for Buffer<'_> {
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        let capacity = self.words.capacity();
        if capacity < self.home.length || capacity > self.home.length + self.home.length / 8 + 8 {
            return;
        }
        let words = std::mem::take(&mut self.words);
        let mut free = self.home.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.home.most {
            free.push(words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(buffers: &Buffers) -> usize {
        buffers.free.lock().map_or(0, |free| free.len())
    }

    #[test]
    fn buffers_come_back_up_to_the_limit() {
        let buffers = Buffers::new(100, 2);
        let taken = [buffers.take(), buffers.take(), buffers.take()];
        assert!(taken.iter().all(|buffer| buffer.len() == 100));
        drop(taken);
        assert_eq!(free(&buffers), 2);
        let words = buffers.take().into_words();
        drop(Buffer::adopt(vec![0; 300], &buffers));
        assert_eq!(free(&buffers), 1);
        drop(Buffer::adopt(words, &buffers));
        assert_eq!(free(&buffers), 2);
    }
}
