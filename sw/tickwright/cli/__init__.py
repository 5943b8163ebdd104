"""What one types at a prompt: a file a verb group; each parses and prints, and decides nothing."""
