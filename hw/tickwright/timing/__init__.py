"""How fast and how large the gateware is, as an open flow builds it."""
