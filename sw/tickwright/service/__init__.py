"""The service: one process that owns a card, and all that desks may ask of it."""
