"""Venues to trade against without an exchange."""
