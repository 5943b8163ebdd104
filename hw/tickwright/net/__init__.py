"""Ethernet, IPv4, UDP and TCP."""
