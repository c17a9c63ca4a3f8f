//! Which layer is of which kind.
