"""Measurements on the reporting splits, written as ``results.json`` beside the weights."""
