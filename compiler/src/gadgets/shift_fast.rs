//! Normalisation and decoding in few levels: leading zeros are counted by a parallel prefix, `ceil(log2 n)` levels,
//! and their binary and one-hot forms follow without another AND.

use ffhec_circuit::Wire;

use super::bits::{Bits, Gates};
use super::objective::Objective;
use super::prefix::all_prefixes;
use super::shift::{Normalised, index_bits};

/// Wider words are shifted in stages even for the least depth: shifting at once takes half the square of the width.
const AT_ONCE: usize = 128;

/// [`super::shift::shift_right`] with zeros from above: the largest steps first, so that what is lost is known soon
/// after the word.
pub fn shift_right(g: &mut Gates<'_>, word: &[Wire], amount: &[Wire], track: bool) -> (Bits, Wire) {
    let (width, needed, zero) = (word.len(), index_bits(word.len()), g.bit(false));
    let fine = needed.saturating_sub(2);
    let unit = 1 << fine;
    let beyond = g.any(amount.get(needed..).unwrap_or(&[]));
    let mut address = amount.get(fine..needed.min(amount.len())).unwrap_or(&[]).to_vec();
    address.push(g.not(beyond));
    let choices = decode(g, &address).split_off(1 << (address.len() - 1));
    let mut out = vec![zero; width];
    for (group, &choice) in choices.iter().enumerate() {
        for (index, &bit) in word.iter().enumerate().skip(group * unit) {
            let chosen = g.and(choice, bit);
            out[index - group * unit] = g.xor(out[index - group * unit], chosen);
        }
    }
    let mut lost = Vec::new();
    if track {
        let parts: Bits = word.chunks(unit).map(|part| g.any(part)).collect();
        let mut coarse = zero;
        let gone = choices.iter().enumerate().skip(1).map(|(group, &choice)| (group, choice));
        for (group, choice) in gone.chain([(parts.len(), beyond)]) {
            let some = g.any(&parts[..group.min(parts.len())]);
            let chosen = g.and(choice, some);
            coarse = g.xor(coarse, chosen);
        }
        lost.push(coarse);
    }
    for (stage, &choice) in amount.iter().enumerate().take(fine).rev() {
        let step = 1 << stage;
        if track {
            let some = g.any(&out[..step.min(width)]);
            lost.push(g.and(choice, some));
        }
        out = (0..width)
            .map(|index| {
                let from = out.get(index + step).copied().unwrap_or(zero);
                g.mux(choice, from, out[index])
            })
            .collect();
    }
    (out, g.any(&lost))
}

/// Wire `j`, for `0 <= j <= n`, says whether the top `j` bits are clear.
pub fn clear_from_top(g: &mut Gates<'_>, word: &[Wire]) -> Bits {
    let flipped: Bits = word.iter().rev().map(|&bit| g.not(bit)).collect();
    let mut clear = vec![g.bit(true)];
    clear.extend(all_prefixes(g, &flipped));
    clear
}

/// One wire per number of leading zeros; all clear for a zero word.
pub fn one_hot_leading_zeros(g: &mut Gates<'_>, clear: &[Wire]) -> Bits {
    clear.windows(2).map(|pair| g.xor(pair[0], pair[1])).collect()
}

/// The number of leading zeros: a bit is set if an odd number of its multiples have been reached.
fn count(g: &mut Gates<'_>, clear: &[Wire]) -> Bits {
    let mut bits = Vec::new();
    for place in 0..index_bits(clear.len() - 1) {
        let zero = g.bit(false);
        let reached = clear.iter().take(clear.len() - 1).step_by(1 << place).skip(1);
        bits.push(reached.fold(zero, |sum, &wire| g.xor(sum, wire)));
    }
    bits
}

/// [`super::shift::normalise`].
pub fn normalise(g: &mut Gates<'_>, word: &[Wire]) -> Normalised {
    let clear = clear_from_top(g, word);
    let shift = count(g, &clear);
    Normalised { word: shift_up(g, word, &clear, &shift), shift }
}

/// [`super::shift::normalise_within`]: a bit is set for the count where the limit is reached.
pub fn normalise_within(g: &mut Gates<'_>, word: &[Wire], limit: &[Wire]) -> (Bits, Bits) {
    let needed = index_bits(word.len()).min(limit.len());
    let beyond = g.any(&limit[needed..]);
    let mut address = limit[..needed].to_vec();
    address.push(g.not(beyond));
    let marks = decode(g, &address);
    let mut marked = word.to_vec();
    for (place, &mark) in marks[marks.len() / 2..].iter().take(word.len()).enumerate() {
        let index = word.len() - 1 - place;
        marked[index] = g.or(marked[index], mark);
    }
    let clear = clear_from_top(g, &marked);
    let shift = count(g, &clear);
    let shifted = shift_up(g, word, &clear, &shift);
    let shift = g.resize(&shift, limit.len());
    (shifted, g.sub(limit, &shift).0)
}

fn shift_up(g: &mut Gates<'_>, word: &[Wire], clear: &[Wire], shift: &[Wire]) -> Bits {
    if g.objective() == Objective::LeastDepth && word.len() <= AT_ONCE {
        let hot = one_hot_leading_zeros(g, clear);
        return shift_at_once(g, word, &hot);
    }
    let mut word = word.to_vec();
    for (stage, &choice) in shift.iter().enumerate().rev() {
        // What a shift moves out at the top is clear, so that the same AND takes a bit away and puts it there.
        let mut next = word.clone();
        for index in 0..word.len().saturating_sub(1 << stage) {
            let moved = g.and(choice, word[index]);
            next[index] = g.xor(next[index], moved);
            next[index + (1 << stage)] = g.xor(next[index + (1 << stage)], moved);
        }
        word = next;
    }
    word
}

/// The sum of `word << j` over the set wires `hot[j]`, of which there is at most one: a single level.
pub fn shift_at_once(g: &mut Gates<'_>, word: &[Wire], hot: &[Wire]) -> Bits {
    let mut out = g.zeros(word.len());
    for (place, &choice) in hot.iter().enumerate() {
        for (index, bit) in out.iter_mut().enumerate().skip(place) {
            let chosen = g.and(choice, word[index - place]);
            *bit = g.xor(*bit, chosen);
        }
    }
    out
}

/// One wire per value of `word`, those that arrive first decoded first.
pub fn decode(g: &mut Gates<'_>, word: &[Wire]) -> Bits {
    // Groups of places, with a wire per value of theirs.
    let mut groups: Vec<(u32, Vec<usize>, Bits)> = Vec::new();
    for (place, &bit) in word.iter().enumerate() {
        let not = g.not(bit);
        groups.push((g.depth(bit), vec![place], vec![not, bit]));
    }
    while groups.len() > 1 {
        groups.sort_by(|a, b| (b.0, &b.1).cmp(&(a.0, &a.1)));
        let (Some(first), Some(second)) = (groups.pop(), groups.pop()) else { break };
        let mut places = first.1;
        places.extend(second.1);
        let mut wires = Vec::with_capacity(first.2.len() * second.2.len());
        for &upper in &second.2 {
            for &lower in &first.2 {
                wires.push(g.and(upper, lower));
            }
        }
        groups.push((first.0.max(second.0) + 1, places, wires));
    }
    let Some((_, places, wires)) = groups.pop() else { return vec![g.bit(true)] };
    (0..wires.len())
        .map(|value| {
            let at = places.iter().enumerate().map(|(rank, &place)| (value >> place & 1) << rank);
            wires[at.sum::<usize>()]
        })
        .collect()
}
