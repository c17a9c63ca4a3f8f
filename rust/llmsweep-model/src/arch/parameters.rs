//! Parameters recounted from the shape, by bucket and by the three conventions of "active".
