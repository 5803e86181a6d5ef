"""Measurements on generated data; see run.py."""
