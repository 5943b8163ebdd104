"""The MAC of a gigabit Ethernet port, from the pins of its PHY to frames and back."""
