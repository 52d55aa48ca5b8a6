"""Calls over media streams: ours, a bare agent and the peers, by one generator and fake vendors."""
