//! On other processors than x86-64 there are no kernels: [`Avx512`] has no value.

use super::digits::{TILE, TILE_BUFFER, TILE_WORDS, Tile};

/// Has no value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Avx512 {}

/// Has no value.
#[derive(Clone, Copy)]
pub(super) enum RoundKeys {}

impl Avx512 {
    pub(super) fn detect() -> Option<Avx512> {
        None
    }

    pub(super) fn round_keys(self, _: &[u8; 16]) -> RoundKeys {
        match self {}
    }

    pub(super) fn encrypt_counters(self, _: &RoundKeys, _: u64, _: u64, _: &mut [u64]) {
        match self {}
    }

    pub(super) fn expand_tiles<'t>(
        self,
        _: &RoundKeys,
        _: impl Iterator<Item = ([u64; 2], &'t mut [u64; TILE])>,
    ) {
        match self {}
    }

    pub(super) fn pack(self, _: &Tile, _: i64, _: &mut [u64; TILE_WORDS]) -> Option<i64> {
        match self {}
    }

    pub(super) fn unpack(self, _: &[u64; TILE_BUFFER], _: &mut [u64; TILE]) {
        match self {}
    }

    pub(super) fn sum_listed(self, _: &[Tile], _: &[u16], _: &mut Tile) {
        match self {}
    }

    pub(super) fn windows(self, _: [&[u64]; 4], _: &[u64]) -> [u64; 4] {
        match self {}
    }
}
