"""Ways to a card: each a bus of two methods, read and write."""
