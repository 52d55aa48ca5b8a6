"""Where events of a call are sent."""
