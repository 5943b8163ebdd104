"""The client library: what a desk asks of the service that owns a card."""
