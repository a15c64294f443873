"""Candidates in, one person's feed out."""
