"""The host's side of the card."""
