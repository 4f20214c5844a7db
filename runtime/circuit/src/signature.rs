//! Hashes of a circuit's ports: what ciphertext files carry, so that ciphertexts made for one program are not fed
//! to another.

use crate::{Circuit, Port};

/// A hash of the names, kinds and widths of a circuit's input or output ports.
pub type Signature = [u8; 32];

impl Circuit {
    /// What an input table of this circuit looks like.
    pub fn input_signature(&self) -> Signature {
        signature("ffhec input ports 1", &self.inputs)
    }

    /// What an output table of this circuit looks like.
    pub fn output_signature(&self) -> Signature {
        signature("ffhec output ports 1", &self.outputs)
    }
}

/// Every part is preceded by its length, so that different ports never hash the same bytes.
fn signature(context: &str, ports: &[Port]) -> Signature {
    let mut hash = blake3::Hasher::new_derive_key(context);
    hash.update(&(ports.len() as u64).to_le_bytes());
    for port in ports {
        for text in [&port.name, &port.kind] {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        hash.update(&port.width.to_le_bytes());
    }
    *hash.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use crate::{Circuit, sample};

    #[test]
    fn names_kinds_widths_and_order_count_but_ranges_do_not() {
        let (x, y) = (sample::port("x", 3), sample::port("y", 4));
        let sign = |inputs: &[crate::Port]| {
            Circuit { inputs: inputs.to_vec(), ..Circuit::default() }.input_signature()
        };
        let base = sign(&[x.clone(), y.clone()]);
        assert_ne!(base, sign(&[y.clone(), x.clone()]));
        assert_ne!(base, sign(&[sample::port("xy", 3), y.clone()]));
        let mut other = x.clone();
        other.kind.push('!');
        assert_ne!(base, sign(&[other, y.clone()]));
        let mut free = x.clone();
        free.range = None;
        assert_eq!(base, sign(&[free, y]));
        let circuit = Circuit { inputs: vec![x.clone()], outputs: vec![x], ..Circuit::default() };
        assert_ne!(circuit.input_signature(), circuit.output_signature());
    }
}
