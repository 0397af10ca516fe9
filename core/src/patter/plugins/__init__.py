"""Plugins: what they may offer, how they are found, loaded and asked."""
