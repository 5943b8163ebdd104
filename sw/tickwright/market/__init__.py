"""Market data at rest: captures, ITCH files, and synthetic sessions."""
