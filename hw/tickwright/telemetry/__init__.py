"""Telemetry: what the card found and decided, as records for the host."""
