"""The views of one item in, one joint vector out."""
