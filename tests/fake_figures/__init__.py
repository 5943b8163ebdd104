"""Figures of components that nobody measured."""
