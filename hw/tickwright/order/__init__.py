"""Order entry: SoupBinTCP and OUCH."""
