"""The recorder: telemetry from the ring in host memory to the disk and to whoever listens."""
