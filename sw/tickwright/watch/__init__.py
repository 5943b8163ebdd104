"""The screen of a desk that watches a card trade."""
