"""What plugins of speech and language vendors share: options, sockets, requests, errors.

Nothing here knows a vendor, and nothing of core needs it: it is for plugins, ours and others'.
"""
