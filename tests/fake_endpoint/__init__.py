"""Rings of the PCIe endpoint in Python, for tests of their drivers."""
