"""An audit of the card's Verilog that knows nothing but the text."""
