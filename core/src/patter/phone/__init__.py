"""What a `Patter` is made of: how carriers reach it, what runs while it serves, its calls."""
