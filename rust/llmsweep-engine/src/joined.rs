//! Registries in several files, joined at compile time.

/// Entries of all parts.
#[must_use]
pub(crate) const fn joined_length<T>(parts: &[&[T]]) -> usize {
    let (mut part, mut length) = (0, 0);
    while part < parts.len() {
        length += parts[part].len();
        part += 1;
    }
    length
}

/// All parts, one after the other; `N` is their [`joined_length`].
///
/// # Panics
/// At compile time, if `N` is another number.
#[must_use]
pub(crate) const fn joined<T: Copy, const N: usize>(parts: &[&[T]]) -> [T; N] {
    assert!(N == joined_length(parts), "the registry has as many entries as its parts");
    let mut all = [parts[0][0]; N];
    let (mut part, mut filled) = (0, 0);
    while part < parts.len() {
        let mut entry = 0;
        while entry < parts[part].len() {
            all[filled] = parts[part][entry];
            (filled, entry) = (filled + 1, entry + 1);
        }
        part += 1;
    }
    all
}
