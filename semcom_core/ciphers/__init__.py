"""Keys and the ciphers that use them; no knowledge of channels or networks."""
