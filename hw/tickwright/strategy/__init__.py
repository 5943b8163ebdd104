"""The strategy stage of the card."""
