//! What a timing loop that replays the same buffers finds in the second-level cache.

/// Share of the cold memory time that remains when `bytes` are read again and again through a cache of `capacity`:
/// `(ratio + x) / (1 + x)` with `x = (bytes / capacity)^(2^doublings)`.
///
/// The exponent says how sharply the cache gives way: a plain stream through a cache that forgets the oldest line first keeps everything or
/// nothing.
pub(super) fn replayed(bytes: f64, capacity: f64, ratio: f64, doublings: u32) -> f64 {
    if capacity <= 0.0 {
        return 1.0;
    }
    let mut excess = bytes / capacity;
    for _ in 0..doublings {
        excess *= excess;
    }
    if excess.is_finite() { (ratio + excess) / (1.0 + excess) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::replayed;

    #[test]
    fn a_small_buffer_stays_and_a_large_one_does_not() {
        assert!((replayed(1.0, 1e6, 0.3, 3) - 0.3).abs() < 1e-12);
        assert!((replayed(1e9, 1e6, 0.3, 3) - 1.0).abs() < 1e-12);
        assert!((replayed(1e60, 1e6, 0.3, 3) - 1.0).abs() < 1e-12);
        assert!((replayed(1e6, 1e6, 0.5, 1) - 0.75).abs() < 1e-12);
        assert!((replayed(1.0, 0.0, 0.3, 3) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn more_bytes_never_take_less() {
        let times =
            |ratio| (1..400).map(move |step| f64::from(step) * 0.01).map(move |x| x * replayed(x, 1.0, ratio, 3));
        for ratio in [0.01, 0.3, 1.0] {
            assert!(times(ratio).zip(times(ratio).skip(1)).all(|(less, more)| less <= more));
        }
    }
}
