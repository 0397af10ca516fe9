"""What Patter asks of a vendor: one file a kind.

A *provider* is a frozen value holding settings, shared by all calls. `open()` yields a
*session* that belongs to one call and dies with its ``async with``. These are Protocols:
a provider need not import Patter to conform. What one may tell beyond its contract (``hosts``,
``model``, ``chunk_ms``, ...) is in the class of traits of its kind, see `patter.providers.traits`.
"""
