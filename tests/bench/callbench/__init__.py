"""Real calls over real sockets against vendors without latency: what does the framework cost?

What is measured runs alone in a process on one core. Callers and vendors share another
process on another core and one clock, so every figure is taken from outside.
"""
