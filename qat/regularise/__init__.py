"""Losses on weights alone: shapes of distributions that survive the sign."""
