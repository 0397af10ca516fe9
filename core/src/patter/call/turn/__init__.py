"""The turn engine: who speaks now. Pure, and importable without the rest of a call.

`engine.step` takes a state and an event and returns the next state and effects. From the ground
up: `rules` (settings), `events` and `effects` (values in and out), `state`, `transition` (what an
operation changes), `on_...` (what each event means), `engine`, `codec` (JSON, replay).
"""
