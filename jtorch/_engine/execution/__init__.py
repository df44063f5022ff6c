"""Programs: compiling, caching, bounding and counting them; devices and JAX's settings."""
