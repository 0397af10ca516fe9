"""The carrier kit: what every carrier plugin needs, and no vendor has of its own.

It knows the contract in `patter.providers.carrier` and nothing of the server or of a call: a
plugin imports this package, and the server mounts the routes that the plugin builds with it.
"""
