"""Losses that compare a student with teachers: pure functions of logits and features."""
