"""What was kept of phone calls: found, shown, handed on, replayed and erased."""

__version__ = "0.1.0"
