"""The bridge from a serial line to the registers of a card."""
