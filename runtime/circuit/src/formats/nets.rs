//! Definitions in any order, as gates in an order of dependence.

/// Numbers the nodes that `roots` depend on so that each comes after what it reads, without recursion.
///
/// `reads(node, &mut list)` appends what a node reads; the error is a node that depends on itself.
pub(super) fn in_order(
    nodes: usize,
    roots: impl Iterator<Item = usize>,
    mut reads: impl FnMut(usize, &mut Vec<usize>),
) -> Result<Vec<usize>, usize> {
    const NEW: u8 = 0;
    const OPEN: u8 = 1;
    const DONE: u8 = 2;
    let mut state = vec![NEW; nodes];
    let mut order = Vec::new();
    // Every open node lies below what it reads; a node is met again when all of that is done.
    let mut stack: Vec<usize> = Vec::new();
    let mut read = Vec::new();
    for root in roots {
        stack.push(root);
        while let Some(&node) = stack.last() {
            match state[node] {
                NEW => {
                    state[node] = OPEN;
                    read.clear();
                    reads(node, &mut read);
                    for &below in &read {
                        match state[below] {
                            NEW => stack.push(below),
                            OPEN => return Err(below),
                            _ => {}
                        }
                    }
                }
                OPEN => {
                    state[node] = DONE;
                    order.push(node);
                    stack.pop();
                }
                _ => {
                    stack.pop();
                }
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::in_order;

    fn order(edges: &[&[usize]], roots: &[usize]) -> Result<Vec<usize>, usize> {
        in_order(edges.len(), roots.iter().copied(), |node, list| list.extend(edges[node]))
    }

    #[test]
    fn every_node_comes_after_what_it_reads() {
        assert_eq!(order(&[&[1, 2], &[2, 3], &[], &[2], &[0]], &[0]), Ok(vec![2, 3, 1, 0]));
        assert_eq!(order(&[&[1], &[]], &[1, 0, 0]), Ok(vec![1, 0]));
        assert_eq!(order(&[&[1], &[2], &[1]], &[0]), Err(1));
        assert_eq!(order(&[&[0]], &[0]), Err(0));
    }
}
