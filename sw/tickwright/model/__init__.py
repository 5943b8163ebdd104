"""The card in software, bit for bit."""
