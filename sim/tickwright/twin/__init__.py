"""The card in simulation, its wire and its bus."""
