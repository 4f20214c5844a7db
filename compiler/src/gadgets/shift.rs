//! Shifts by encrypted amounts, normalisation, and decoding of small numbers.
//!
//! The paper's Left Shift protocol (FFHE paper, section 6.4) is a sum over every possible shift of an equality bit
//! times the shifted significand, thousands of ANDs. Here shifts are barrel shifters: one selection per bit for every
//! bit of the amount.

use ffhec_circuit::Wire;

use super::bits::{Bits, Gates};
use super::shift_fast;

/// The bits needed to write the numbers `0 .. count`.
pub(super) fn index_bits(count: usize) -> usize {
    (usize::BITS - count.saturating_sub(1).leading_zeros()) as usize
}

/// `word >> amount`, filled with `fill` from above, and whether a set bit was lost (false unless `track`). Amounts
/// beyond the width shift everything out. Requires: if `fill` is set, so is some bit of the word.
pub fn shift_right(
    g: &mut Gates<'_>,
    word: &[Wire],
    fill: Wire,
    amount: &[Wire],
    track: bool,
) -> (Bits, Wire) {
    if g.shallow() && g.known(fill) == Some(false) {
        return shift_fast::shift_right(g, word, amount, track);
    }
    let width = word.len();
    let needed = index_bits(width);
    let fine = needed.saturating_sub(2);
    let mut word = word.to_vec();
    let mut lost = g.bit(false);
    for (stage, &choice) in amount.iter().take(fine).enumerate() {
        let step = 1 << stage;
        if track {
            let out = g.any(&word[..step.min(width)]);
            let out = g.and(choice, out);
            lost = g.or(lost, out);
        }
        word = (0..width)
            .map(|index| {
                let from = word.get(index + step).copied().unwrap_or(fill);
                g.mux(choice, from, word[index])
            })
            .collect();
    }
    let coarse = amount.get(fine..needed.min(amount.len())).unwrap_or(&[]);
    let beyond = g.any(amount.get(needed..).unwrap_or(&[]));
    shift_groups(g, &word, fill, coarse, beyond, 1 << fine, lost, track)
}

/// The coarse part of a right shift: at most two bits of the amount are decoded, and each multiple of `unit` is
/// selected with ANDs only where it has bits left, which is less than two stages of selections.
#[allow(clippy::too_many_arguments, reason = "the tail of `shift_right`, with all of its state")]
fn shift_groups(
    g: &mut Gates<'_>,
    word: &[Wire],
    fill: Wire,
    coarse: &[Wire],
    beyond: Wire,
    unit: usize,
    lost: Wire,
    track: bool,
) -> (Bits, Wire) {
    let enable = g.not(beyond);
    let choices = one_hot(g, coarse, enable);
    let relative = g.xor_each(word, fill);
    let mut out = vec![fill; word.len()];
    for (group, &choice) in choices.iter().enumerate() {
        for (index, &bit) in relative.iter().enumerate().skip(group * unit) {
            let chosen = g.and(choice, bit);
            out[index - group * unit] = g.xor(out[index - group * unit], chosen);
        }
    }
    if !track {
        return (out, lost);
    }
    let mut gone = g.bit(false);
    let mut sum = g.bit(false);
    let mut from = 0;
    for (group, &choice) in choices.iter().enumerate().skip(1).chain([(choices.len(), &beyond)]) {
        let to = if group == choices.len() { word.len() } else { (group * unit).min(word.len()) };
        let part = g.any(&word[from..to]);
        gone = g.or(gone, part);
        from = to;
        let chosen = g.and(choice, gone);
        sum = g.xor(sum, chosen);
    }
    let lost = g.or(lost, sum);
    (out, lost)
}

/// One wire per value of `word`, set for the value it has, all clear unless `enable`.
pub fn one_hot(g: &mut Gates<'_>, word: &[Wire], enable: Wire) -> Bits {
    if g.shallow() {
        let mut word = word.to_vec();
        word.push(enable);
        return shift_fast::decode(g, &word).split_off(1 << (word.len() - 1));
    }
    let mut wires = vec![enable];
    for &bit in word.iter().rev() {
        let mut next = Vec::with_capacity(2 * wires.len());
        for wire in wires {
            let set = g.and(wire, bit);
            next.push(g.xor(wire, set));
            next.push(set);
        }
        wires = next;
    }
    wires
}

/// Wire `j - 1` says whether `word >= j`, for `1 <= j < 2^n`. One AND serves the two places where a bit matters.
pub fn thermometer(g: &mut Gates<'_>, word: &[Wire]) -> Bits {
    let Some((&top, rest)) = word.split_last() else { return Vec::new() };
    let below = thermometer(g, rest);
    let both: Bits = below.iter().map(|&wire| g.and(top, wire)).collect();
    let mut wires: Bits = Vec::with_capacity(2 * below.len() + 1);
    for (&wire, &both) in below.iter().zip(&both) {
        let either = g.xor(top, wire);
        wires.push(g.xor(either, both));
    }
    wires.push(top);
    wires.extend(both);
    wires
}

/// `word << amount` without loss, cut to `width` bits. Each stage costs one AND per bit of the word so far.
pub fn shift_left(g: &mut Gates<'_>, word: &[Wire], amount: &[Wire], width: usize) -> Bits {
    let zero = g.bit(false);
    let mut word = word.to_vec();
    word.truncate(width);
    let needed = index_bits(width);
    for (stage, &choice) in amount.iter().take(needed).enumerate() {
        if g.full() {
            break;
        }
        let step = 1 << stage;
        let moved = g.and_each(&word, choice);
        let length = (word.len() + step).min(width);
        let mut next = word.clone();
        next.resize(length, zero);
        for (index, &bit) in moved.iter().enumerate() {
            next[index] = g.xor(next[index], bit);
            if index + step < length {
                next[index + step] = g.xor(next[index + step], bit);
            }
        }
        word = next;
    }
    let beyond = g.any(amount.get(needed..).unwrap_or(&[]));
    let inside = g.not(beyond);
    let word = g.and_each(&word, inside);
    g.resize(&word, width)
}

/// A word shifted left until its top bit is set.
#[derive(Debug)]
pub struct Normalised {
    /// The shifted word, zeros coming in; all clear if the word was zero.
    pub word: Bits,
    /// The shift, least significant bit first; for a zero word any number.
    pub shift: Bits,
}

/// Shifts left until the top bit is set: from the largest step to the smallest, one AND per moved bit and an OR tree
/// over the bits that must be clear.
pub fn normalise(g: &mut Gates<'_>, word: &[Wire]) -> Normalised {
    if g.shallow() {
        return shift_fast::normalise(g, word);
    }
    let mut word = word.to_vec();
    let stages = index_bits(word.len());
    let mut shift = g.zeros(stages);
    for stage in (0..stages).rev() {
        let clear = top_is_clear(g, &word, 1 << stage);
        word = shift_up(g, &word, 1 << stage, clear);
        shift[stage] = clear;
    }
    Normalised { word, shift }
}

/// Like [`normalise`], for readers who need the top `keep` bits and whether any other bit is set: what can no longer
/// come into the top joins the sticky bit and is not moved.
pub fn normalise_to(g: &mut Gates<'_>, word: &[Wire], keep: usize, sticky: Wire) -> (Normalised, Wire) {
    if g.shallow() {
        return (normalise(g, word), sticky);
    }
    let keep = seen(g, word, keep);
    let (mut word, mut sticky) = (word.to_vec(), sticky);
    let stages = index_bits(word.len());
    let mut shift = g.zeros(stages);
    for stage in (0..stages).rev() {
        let clear = top_is_clear(g, &word, 1 << stage);
        (word, sticky) = shift_up_to(g, &word, 1 << stage, clear, keep, sticky);
        shift[stage] = clear;
    }
    (Normalised { word, shift }, sticky)
}

/// Like [`normalise_to`], but shifts by at most `limit`: returns the word, what is left of the limit, and the sticky
/// bit.
pub fn normalise_within(
    g: &mut Gates<'_>,
    word: &[Wire],
    limit: &[Wire],
    keep: usize,
    sticky: Wire,
) -> (Bits, Bits, Wire) {
    if g.shallow() {
        let (word, left) = shift_fast::normalise_within(g, word, limit);
        return (word, left, sticky);
    }
    let keep = seen(g, word, keep);
    let (mut word, mut sticky) = (word.to_vec(), sticky);
    let mut left = limit.to_vec();
    for stage in (0..index_bits(word.len()).min(limit.len())).rev() {
        let clear = top_is_clear(g, &word, 1 << stage);
        let allowed = g.any(&left[stage..]);
        let choice = g.and(clear, allowed);
        (word, sticky) = shift_up_to(g, &word, 1 << stage, choice, keep, sticky);
        let mut borrow = choice;
        for bit in &mut left[stage..] {
            let next = g.and_not(borrow, *bit);
            *bit = g.xor(*bit, borrow);
            borrow = next;
        }
    }
    (word, left, sticky)
}

/// The top bits that must stay apart: all of them if exceptions are watched, which look below the last kept bit.
fn seen(g: &Gates<'_>, word: &[Wire], keep: usize) -> usize {
    if g.watches() { word.len() } else { keep }
}

fn top_is_clear(g: &mut Gates<'_>, word: &[Wire], count: usize) -> Wire {
    let set = g.any(&word[word.len() - count.min(word.len())..]);
    g.not(set)
}

/// `word << step` if `choice`, which requires that the top `step` bits are clear.
fn shift_up(g: &mut Gates<'_>, word: &[Wire], step: usize, choice: Wire) -> Bits {
    let no = g.bit(false);
    shift_up_to(g, word, step, choice, word.len(), no).0
}

/// [`shift_up`], after which less than `step` more places are shifted: only the top `keep + step - 1` bits stay, the
/// others join `sticky`.
fn shift_up_to(
    g: &mut Gates<'_>,
    word: &[Wire],
    step: usize,
    choice: Wire,
    keep: usize,
    sticky: Wire,
) -> (Bits, Wire) {
    let drop = word.len().saturating_sub(keep + step - 1);
    // Of the bits that are dropped, the upper `step` stay if the word is shifted.
    let inner = drop.saturating_sub(step);
    let (always, unless) = (g.any(&word[..inner]), g.any(&word[inner..drop]));
    let unless = g.and_not(unless, choice);
    let lost = g.or(always, unless);
    let sticky = g.or(sticky, lost);
    let mut next = word.to_vec();
    for index in inner..word.len().saturating_sub(step) {
        let moved = g.and(choice, word[index]);
        next[index] = g.xor(next[index], moved);
        next[index + step] = g.xor(next[index + step], moved);
    }
    next.drain(..drop);
    (next, sticky)
}
