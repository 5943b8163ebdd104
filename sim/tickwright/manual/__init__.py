"""The manual: pages made from the descriptions, beside those written by hand in `docs`."""
