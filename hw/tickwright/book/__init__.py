"""The book stage of the card."""
