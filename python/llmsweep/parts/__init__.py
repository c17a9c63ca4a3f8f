"""A run cut into parts: contiguous ranges of rows whose answers add up to that of the whole."""
