"""Calls through a linked account: a real server, a fake of the carrier that speaks its protocol."""
