"""One modality in, one unit vector out."""
