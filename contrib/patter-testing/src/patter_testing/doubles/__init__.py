"""What the doubles of carriers are made of: calls with true playback, webhooks, faults.

A double stands for a carrier on 127.0.0.1. Nothing here needs pytest, so an
application may run against one as well.
"""
