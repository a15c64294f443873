"""What the world gives us: media decoded with limits, and the catalogue that remembers it."""
