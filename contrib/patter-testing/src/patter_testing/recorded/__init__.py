"""A recorded call lived through again: what the caller did, what was answered, what differs."""
