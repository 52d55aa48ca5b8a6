"""The Twilio carrier, tested against a peer that keeps to the documented order of events."""
