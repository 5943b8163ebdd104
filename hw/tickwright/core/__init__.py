"""Descriptions that every stage shares: messages, registers, number formats, streams."""
