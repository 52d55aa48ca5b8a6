"""One call's decisions: pure, with time and identifiers coming in with the events."""
