"""A query in, ranked candidates out, with a calibrated relevance."""
