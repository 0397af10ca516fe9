"""What happened in a call: events, metrics, prices, the record, the recording."""
