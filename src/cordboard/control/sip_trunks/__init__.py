"""SIP peers: where calls come from and go to."""
