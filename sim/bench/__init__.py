"""Reusable cocotb parts for valid/ready streams, and the bench that proves every library cell against its node."""

from __future__ import annotations
