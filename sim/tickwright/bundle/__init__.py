"""Looks a bundle over before somebody gives it to Vivado."""
