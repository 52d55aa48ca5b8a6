"""Calls by Twilio: sound over its media streams, everything else over its webhooks and REST API."""
