"""Market data: MoldUDP64 and TotalView-ITCH."""
