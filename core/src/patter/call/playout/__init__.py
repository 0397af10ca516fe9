"""The only way out to the caller, and how much of it was heard.

From the ground up: `timing` (settings), `queue` (audio that waits), `heard_text` (which words
were heard), `cursor` (how far playback is), `gate` (epochs and arithmetic), `sender` (the task
that writes to the media leg).
"""
