"""Requests to addresses that an application names: to the internet only, unless it is allowed."""
