"""The server calls arrive at."""
