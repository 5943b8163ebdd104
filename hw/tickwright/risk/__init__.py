"""The risk stage of the card."""
