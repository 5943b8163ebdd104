"""A card without gateware: its registers as the descriptions and docs/host.md have them."""
